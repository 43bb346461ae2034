import type { Labels } from "#base/labels.ts";
import type { Generated, JsonDefault, Stamped, Timestamp } from "#platform/db/columns.ts";

export interface DistributionTable {
  readonly id: string;
  readonly domain: number;
  readonly type: string;
  readonly name: string;
  readonly base_path: string;
  readonly hidden: Generated<boolean>;
  readonly checkpoint: Generated<boolean>;
  readonly repository: string | null;
  readonly version: string | null;
  readonly publication: string | null;
  readonly remote: string | null;
  readonly guard: string | null;
  readonly legacy_overlap: Generated<boolean>;
  readonly labels: JsonDefault<Labels>;
  readonly created: Stamped;
  readonly updated: Stamped;
}

export interface DistributedPublicationTable {
  readonly distribution: string;
  readonly publication: string;
  readonly expires_at: Timestamp | null;
  readonly created: Generated<Timestamp>;
}

/** What a distribution serves may have changed; read by the caches of the content processes. */
export interface DistributionEventTable {
  readonly xact: Generated<string>;
  readonly domain: number;
  readonly distribution: string;
  readonly at: Generated<Timestamp>;
  /** Neither the distribution nor what it names is another one: its repository has a new version. */
  readonly content_only: Generated<boolean>;
}
