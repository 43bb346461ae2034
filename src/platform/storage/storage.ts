import type { Readable, Writable } from "node:stream";
import type { Digests } from "#base/digests.ts";
import type { JsonObject } from "#base/json.ts";

/** A finished incoming file: its bytes are hashed and on stable storage, but not yet in place. */
export interface SealedFile {
  readonly sizeBytes: number;
  /** Every allowed algorithm (`ALLOWED_CONTENT_CHECKSUMS`); sha256 always. */
  readonly digests: Digests & { readonly sha256: string };
}

/**
 * A file being written below `tmp/incoming/`. Disposing it removes its incoming name; bytes that
 * were placed stay.
 */
export interface IncomingFile extends AsyncDisposable {
  /** Bytes go in here; they are hashed while they are written. */
  readonly sink: Writable;
  /** Bytes written so far. */
  readonly sizeBytes: number;
  /** Ends the sink and fsyncs. Rejects if writing failed; a failed fsync is never retried. */
  seal(): Promise<SealedFile>;
  /**
   * Reads back what was written, also while the sink is open (followers of a download), at most up
   * to `sizeBytes`; until the file is disposed.
   */
  read(start: number, length: number): Promise<Buffer>;
}

/** An open stored object. Closing gives the descriptor back; reading after that rejects. */
export interface StoredObject extends AsyncDisposable {
  readonly sizeBytes: number;
  /**
   * Reads exactly `length` bytes, or rejects when the object is shorter than it should be.
   *
   * @param into memory of at least that length that a backend may use, so that it is not made anew
   *   for each piece of a large object; the result says where the bytes are.
   */
  read(start: number, length: number, into?: Buffer): Promise<Buffer>;
  /**
   * The same without leaving the thread, for bytes that the operating system has in memory anyway;
   * absent where that cannot be.
   */
  readNow?(start: number, length: number, into: Buffer): Buffer;
  /** Bytes `start` to `end`, both inclusive; the whole object without a range. */
  stream(range?: { readonly start: number; readonly end: number }): Readable;
}

/**
 * The object store of one domain. Names are relative to its root (core-content §2.1). Every backend
 * passes `test/contract/storage.ts`.
 */
export interface Storage {
  /** Starts an incoming file. */
  beginFile(): Promise<IncomingFile>;
  /**
   * Makes a sealed file the object of that name, durably. An object of that name is success: the
   * new bytes replace it at one stroke. Until it is disposed a file can be placed again. A file that
   * another store began is copied.
   */
  place(file: IncomingFile, object: string): Promise<void>;
  /** Rejects with `storageErrors.missing` if there is no such object. */
  open(object: string): Promise<StoredObject>;
  /** Undefined if there is no such object. */
  stat(object: string): Promise<{ readonly sizeBytes: number } | undefined>;
  /** A missing object is success. */
  remove(object: string): Promise<void>;
  /** Bytes of the volume; null where the backend has no such figures. */
  usage(): Promise<{ total: number; used: number; free: number } | null>;
  /** A signed address for the client, or undefined when the bytes go through us. */
  redirect(object: string, options: RedirectOptions): Promise<string | undefined>;
  readonly incoming: IncomingFolders;
  /**
   * Which settings the store has now; absent where they never change. Asked before a file is placed
   * and compared when its row is written, so that no row names a file of a store that was left.
   *
   * @param isFresh what is remembered does not count.
   */
  epoch?(isFresh: boolean): Promise<number>;
}

/** The folders of incoming files, one per process; those of dead processes are leftovers. */
export interface IncomingFolders {
  /** Ids of the processes that have a folder. */
  list(): Promise<readonly string[]>;
  /** Milliseconds since 1970 of the latest write in the folder of a process; 0 if there is none. */
  lastWrite(processId: string): Promise<number>;
  /** A missing folder is success. */
  remove(processId: string): Promise<void>;
}

export interface RedirectOptions {
  readonly method: "GET" | "HEAD";
  readonly fileName: string;
  readonly contentType: string;
}

/** Which store: a class by its identifier, and its options by name (core-content §2.3). */
export interface StoreSettings {
  readonly storageClass: string;
  readonly options: JsonObject;
}

/**
 * Opens the store of these settings; equal settings may share one. Nothing connects yet.
 *
 * @returns undefined if this program cannot reach stores of that class.
 */
export type OpenStore = (settings: StoreSettings) => Storage | undefined;
