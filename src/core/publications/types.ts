import type { DomainRef } from "../ctx.ts";

export interface NewPublication {
  readonly domain: DomainRef;
  /** `file.file` */
  readonly type: string;
  /** `repository_version.id` */
  readonly version: string;
  /** `pass_through` serves every file of the version at its own path; default `rows`. */
  readonly layout?: string;
  readonly checkpoint?: boolean;
}

export interface PublicationRef {
  readonly id: string;
  readonly domain: DomainRef;
  readonly type: string;
  readonly version: string;
}

/** One file of a publication: exactly one target. */
export type PublishedPath =
  | { readonly relativePath: string; readonly artifact: string }
  | { readonly relativePath: string; readonly contentArtifact: string };
