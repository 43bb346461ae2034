export interface Upload {
  readonly id: string;
  readonly sizeBytes: number;
  readonly created: string;
  readonly updated: string;
}

export interface Chunk {
  /** Offset of its first byte. */
  readonly start: number;
  readonly sizeBytes: number;
}

/** Both ends inclusive. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface NewChunk {
  readonly uploadId: string;
  /** Header `Content-Range` as the client sent it. */
  readonly contentRange: string | undefined;
  /** Lower-case hex, if the client gave it. */
  readonly sha256?: string;
}
