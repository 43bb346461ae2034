import type { Readable, Writable } from "node:stream";
import type { Algorithm, Digests } from "#base/digests.ts";
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
export interface IncomingFile extends WrittenFile {
  /** Bytes go in here; they are hashed while they are written. */
  readonly sink: Writable;
  /**
   * The same without a stream, one call at a time.
   *
   * @returns what to wait for before the next call; it rejects if an earlier write has failed.
   */
  append(bytes: Buffer): Promise<void> | undefined;
}

/** Bytes that a store can place as an object. */
export interface WrittenFile extends AsyncDisposable {
  /** Bytes written so far. */
  readonly sizeBytes: number;
  /** Ends writing and fsyncs. Rejects if writing failed; a failed fsync is never retried. */
  seal(): Promise<SealedFile>;
  /** Ends writing, and tells what `seal` will tell before the bytes are on stable storage. */
  hashed?(): Promise<SealedFile>;
  /**
   * Reads back what was written, also while more is written (followers of a download), at most up
   * to `sizeBytes`; until the file is disposed.
   */
  read(start: number, length: number): Promise<Buffer>;
}

/**
 * The file of an upload that goes on over several requests, perhaps of several processes. Disposing
 * it closes it; its bytes stay until the session is removed. One process writes at a time.
 */
export interface SessionFile extends WrittenFile {
  /** Of all bytes so far, lower-case hex. */
  readonly sha256: string;
  /** The same by reading all of them. */
  sha512(): Promise<string>;
  /**
   * The bytes are the file's from then on. One call at a time.
   *
   * @returns what to wait for before the next call; it rejects if an earlier write has failed.
   */
  append(bytes: Uint8Array): Promise<void> | undefined;
  /** Puts what was appended on stable storage. */
  flush(): Promise<void>;
  /** Takes back what was appended since the last flush; not after `seal`, when it may be an object. */
  cutBack(): Promise<void>;
  /** Whether `seal` was called: nothing may be written through it any more. */
  readonly isSealed: boolean;
}

/** Files of uploads that can be resumed, on a disk that all processes share. */
export interface SessionFiles {
  /**
   * Opens the file of a session to go on at this size; 0 makes it. Bytes beyond are cut off.
   *
   * @throws `storageErrors.missing` if it has fewer.
   */
  open(id: string, sizeBytes: number): Promise<SessionFile>;
  /** A missing file is success. */
  remove(id: string): Promise<void>;
  /** Ids of the sessions that have a file, with milliseconds since 1970 of the latest write. */
  list(): Promise<readonly { readonly id: string; readonly lastWriteMs: number }[]>;
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
  beginFile(options?: BeginOptions): Promise<IncomingFile>;
  /**
   * Makes a sealed file the object of that name, durably. An object of that name is success: the
   * new bytes replace it at one stroke. Until it is disposed a file can be placed again. A file that
   * another store began is copied.
   */
  place(file: WrittenFile, object: string, options?: PlaceOptions): Promise<void>;
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
  /**
   * Lists files that belong together under a name of the store itself, where it has such names, so
   * that whoever may read the store finds them without us. `files` is read by such stores only.
   *
   * @returns paths of files that the store does not have; they are not listed.
   */
  bundle?(name: string, files: AsyncIterable<BundledFile>): Promise<readonly string[]>;
  /**
   * Takes back what placing has left behind that began before; absent where nothing can be left.
   *
   * @param before milliseconds since 1970.
   * @returns how many files that were.
   */
  sweep?(before: number): Promise<number>;
  readonly incoming: IncomingFolders;
  readonly sessions: SessionFiles;
  /**
   * Which settings the store has now; absent where they never change. Asked before a file is placed
   * and compared when its row is written, so that no row names a file of a store that was left.
   *
   * @param isFresh what is remembered does not count.
   */
  epoch?(isFresh: boolean): Promise<number>;
}

export interface PlaceOptions {
  /** The object may be there and damaged: what the store says of it does not count. */
  readonly replaces?: boolean;
  /** Name of the domain that it is for. */
  readonly domain?: string;
}

export interface BundledFile {
  readonly relativePath: string;
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface BeginOptions {
  /** Digests beside SHA-256 that it gets; without it, those that are allowed. */
  readonly algorithms?: readonly Algorithm[];
  /** Nobody else looks at the bytes that the sink gets: their memory goes when they are written. */
  readonly ownsBytes?: boolean;
  /** As many will come, as far as is known. */
  readonly expectedBytes?: number;
  /** It will be placed once: another time may cost a copy. */
  readonly isPlacedOnce?: boolean;
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
