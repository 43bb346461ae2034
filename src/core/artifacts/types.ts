import type { Digests } from "#base/digests.ts";
import type { SealedFile, WrittenFile } from "#platform/storage/storage.ts";

/** A file whose bytes are hashed and durable, but not yet an object: a received one, a download. */
export interface StorableFile {
  readonly file: WrittenFile;
  readonly sealed: SealedFile;
  /** Its address or name, for what people read. */
  readonly what?: string;
}

/** Disposing it drops the bytes, unless they were saved. */
export interface ReceivedFile extends StorableFile, AsyncDisposable {
  /** What the sender calls it: untrusted, and absent where nobody said. */
  readonly filename?: string;
}

/** What the sender says about a file; lower-case hex. */
export interface ExpectedFile {
  readonly expected?: Digests;
  readonly sizeBytes?: number;
}

export interface ReceiveOptions extends ExpectedFile {
  /** More bytes than this are refused with 413. */
  readonly limitBytes?: number;
  readonly signal?: AbortSignal;
  readonly filename?: string;
}

export interface SavedArtifact {
  readonly id: string;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Made by this call; of equal files in one call only the first says so. */
  readonly isNew: boolean;
}

export interface StoredArtifact {
  readonly id: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Name in the store of the domain. */
  readonly object: string;
}
