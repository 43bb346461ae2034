import type { Labels } from "#base/labels.ts";
import type { JsonColumn, Stamped } from "#platform/db/columns.ts";

export interface ContentTypeTable {
  readonly num: number;
  readonly name: string;
}

export interface ContentTable {
  readonly id: string;
  readonly domain: number;
  readonly type: number;
  /** `naturalKey()` of the type's key fields: 32 bytes. */
  readonly natural_key: Buffer;
  /** `key128()` of the repository key; null where the type has no "one per version" rule. */
  readonly slot: string | null;
  readonly labels: JsonColumn<Labels | null> | null;
  readonly created: Stamped;
  readonly updated: Stamped;
  readonly touched: Stamped;
}

export interface ContentArtifactTable {
  readonly id: string;
  readonly domain: number;
  readonly content: string;
  /** Null while the file is not downloaded. */
  readonly artifact: string | null;
  readonly relative_path: string;
  /** `key128(relative_path)`. */
  readonly path_key: string;
}

export interface ContentCountTable {
  readonly domain: number;
  readonly type: number;
  readonly n: number;
}

export interface OrphanCandidateTable {
  readonly domain: number;
  readonly content: string;
}
