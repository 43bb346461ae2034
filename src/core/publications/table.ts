import type { Generated, Stamped } from "#platform/db/columns.ts";

export interface PublicationTable {
  readonly id: string;
  readonly domain: number;
  readonly type: string;
  /** `repository_version.id` */
  readonly version: string;
  readonly complete: Generated<boolean>;
  readonly checkpoint: Generated<boolean>;
  /** `rows`, `pass_through` or `<plugin>:<rule>`. */
  readonly layout: Generated<string>;
  readonly created: Stamped;
  readonly updated: Stamped;
}

/** One file of a publication: a generated artifact, or the file of a unit. */
export interface PublicationPathTable {
  readonly publication: string;
  readonly domain: number;
  readonly relative_path: string;
  readonly artifact: string | null;
  readonly content_artifact: string | null;
}
