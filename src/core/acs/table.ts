import type { Stamped, Timestamp } from "#platform/db/columns.ts";

export interface AcsTable {
  readonly id: string;
  readonly domain: number;
  readonly type: string;
  readonly name: string;
  readonly remote: string;
  readonly last_refreshed: Timestamp | null;
  readonly created: Stamped;
  readonly updated: Stamped;
}

export interface AcsPathTable {
  readonly id: string;
  readonly domain: number;
  readonly acs: string;
  readonly path: string;
  /** Hidden repository that holds what the last refresh found. */
  readonly repository: string | null;
}
