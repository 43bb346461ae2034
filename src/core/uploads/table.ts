import type { Stamped } from "#platform/db/columns.ts";

export interface UploadTable {
  readonly id: string;
  readonly domain: number;
  readonly size: number;
  readonly created: Stamped;
  readonly updated: Stamped;
}

export interface UploadChunkTable {
  readonly id: string;
  readonly upload: string;
  /** Offset of its first byte. */
  readonly start: number;
  readonly size: number;
  readonly sha256: Buffer;
  /** Object name in the store of the domain. */
  readonly file: string;
}
