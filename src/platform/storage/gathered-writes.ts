import type { FileHandle } from "node:fs/promises";
import { releaseBytes } from "#base/release-bytes.ts";
import { writeFully } from "./file-operations.ts";

/** Bytes of one write: a large one costs a file system hardly more than a small one. */
const MOST_GATHERED = 1024 * 1024;
/** Bytes that all files of the process together may have gathered, while each has one piece or more. */
const GATHERED_IN_ALL = 64 * 1024 * 1024;

/** Files that gather right now. */
let gathering = 0;

export interface GatheredWritesOptions {
  readonly handle: FileHandle;
  /** Where the first bytes go. */
  readonly position: number;
  /** Memory of bytes goes when they are written. */
  readonly ownsBytes: boolean;
  /** Told how many bytes the file has by now. */
  readonly onWritten?: (sizeBytes: number) => void;
}

/** Appends to a file in large writes; while one is under way, the next one gathers. */
export class GatheredWrites {
  readonly #options: GatheredWritesOptions;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  #underWay: readonly Uint8Array[] = [];
  #writing: Promise<void> = Promise.resolve();
  #writtenBytes: number;

  constructor(options: GatheredWritesOptions) {
    this.#options = options;
    this.#writtenBytes = options.position;
  }

  /**
   * One call at a time.
   *
   * @returns what to wait for before the next call; it rejects if an earlier write has failed.
   */
  add(bytes: Uint8Array): Promise<void> | undefined {
    if (bytes.length === 0) return undefined;
    if (this.#gatheredBytes === 0) gathering += 1;
    this.#gathered.push(bytes);
    this.#gatheredBytes += bytes.length;
    const limit = Math.min(MOST_GATHERED, GATHERED_IN_ALL / gathering);
    return this.#gatheredBytes < limit ? undefined : this.#handOver();
  }

  /** Resolves when all bytes are in the file. */
  async flush(): Promise<void> {
    await this.#handOver();
    await this.#writing;
  }

  /** Forgets what was not written, and waits until the file is left alone. */
  async stop(): Promise<void> {
    this.#take();
    await this.#writing.catch(() => undefined);
  }

  /** Reads back what was added; fewer bytes where some of them are in the file and others are not yet. */
  async read(start: number, length: number): Promise<Buffer> {
    const inFile = this.#writtenBytes;
    if (start >= inFile) {
      const held = Buffer.concat([...this.#underWay, ...this.#gathered]);
      return held.subarray(start - inFile, start - inFile + length);
    }
    const buffer = Buffer.allocUnsafe(Math.min(length, inFile - start));
    const { bytesRead } = await this.#options.handle.read(buffer, 0, buffer.length, start);
    return buffer.subarray(0, bytesRead);
  }

  async #handOver(): Promise<void> {
    await this.#writing;
    const pieces = this.#take();
    if (pieces.length === 0) return;
    this.#writing = this.#write(pieces);
    // Told by whoever waits next.
    this.#writing.catch(() => undefined);
  }

  #take(): readonly Uint8Array[] {
    const pieces = this.#gathered;
    if (this.#gatheredBytes > 0) gathering -= 1;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    return pieces;
  }

  async #write(pieces: readonly Uint8Array[]): Promise<void> {
    const { handle, ownsBytes, onWritten } = this.#options;
    this.#underWay = pieces;
    await writeFully(handle, pieces, this.#writtenBytes);
    this.#writtenBytes += pieces.reduce((sum, { length }) => sum + length, 0);
    this.#underWay = [];
    if (ownsBytes) for (const bytes of pieces) releaseBytes(bytes);
    onWritten?.(this.#writtenBytes);
  }
}
