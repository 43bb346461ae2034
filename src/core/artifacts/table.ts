import type { Generated, Stamped, Timestamp } from "#platform/db/columns.ts";

export interface ArtifactTable {
  readonly id: string;
  readonly domain: number;
  readonly sha256: Buffer;
  readonly size: number;
  /** Storage name; null is the canonical one made from `sha256`. */
  readonly file: string | null;
  readonly created: Stamped;
  readonly updated: Stamped;
  readonly touched: Stamped;
}

export interface ArtifactDigestTable {
  readonly domain: number;
  readonly artifact: string;
  readonly md5: Buffer | null;
  readonly sha1: Buffer | null;
  readonly sha224: Buffer | null;
  readonly sha384: Buffer | null;
  readonly sha512: Buffer | null;
}

export interface StorageIntentTable {
  readonly domain: number;
  /** Object name below the storage root of the domain. */
  readonly object: string;
  readonly reason: string;
  readonly not_before: Timestamp;
}

export interface TemporaryFileTable {
  readonly id: string;
  readonly domain: number;
  readonly file: string;
  readonly created: Generated<Timestamp>;
}
