import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import type { Algorithm } from "#base/digests.ts";
import { storageErrors, systemCode, translate, translated } from "./errors.ts";
import { type FileOperations, removeFile, writeFully } from "./file-operations.ts";
import type { FinalMode } from "./final-mode.ts";
import { GatheredWrites } from "./gathered-writes.ts";
import type { FileHashing, HashPool } from "./hash-pool.ts";
import type { Placeable } from "./placeable.ts";
import type { IncomingFile, SealedFile } from "./storage.ts";

/** Files up to this size are held, hashed and written in one go, without another thread. */
export const SMALL_BYTES = 64 * 1024;
/** From here on SHA-256 is computed in another thread, too, where it is known that so much will come. */
const LARGE_BYTES = 4 * 1024 * 1024;
/** How often the hashing thread hears of new bytes. */
const GROW_BYTES = 1024 * 1024;
const BUFFERED_BYTES = 512 * 1024;

export interface IncomingOptions {
  readonly files: FileOperations;
  readonly hashes: HashPool;
  readonly algorithms: readonly Algorithm[];
  readonly mode: FinalMode;
  /** As far as is known; 0 where it is not. */
  readonly expectedBytes: number;
  /** It is given away when it is placed, and not linked: that is less work. */
  readonly isMoved: boolean;
  /** Memory of bytes goes when they are written. */
  readonly ownsBytes: boolean;
  /** Makes the folder with its parents. */
  readonly makeFolder: (folder: string) => Promise<void>;
}

/** A file below `tmp/incoming/`; its name stays until it is disposed, so it can be placed again. */
export class FileSystemIncoming implements IncomingFile, Placeable {
  readonly sink: Writable;
  readonly path: string;
  readonly #options: IncomingOptions;
  readonly #sha256 = createHash("sha256");
  readonly #areHashedAside: boolean;
  #sizeBytes = 0;
  /** Bytes of a file that may stay small; undefined once they are in the file. */
  #held: Buffer[] | undefined = [];
  #handle: FileHandle | undefined;
  #writes: GatheredWrites | undefined;
  #reader: Promise<FileHandle> | undefined;
  #hashing: FileHashing | undefined;
  #announced = 0;
  #writing: Promise<void> = Promise.resolve();
  #hashed: Promise<SealedFile> | undefined;
  #sealed: Promise<SealedFile> | undefined;
  #isDisposed = false;
  #isMoved = false;

  constructor(path: string, options: IncomingOptions) {
    this.path = path;
    this.#options = options;
    this.#areHashedAside = options.expectedBytes >= LARGE_BYTES;
    this.sink = new Writable({
      highWaterMark: BUFFERED_BYTES,
      decodeStrings: true,
      write: (chunk: Buffer, _encoding, done) => this.#take([chunk], done),
      writev: (chunks, done) =>
        this.#take(
          chunks.map(({ chunk }) => chunk as Buffer),
          done,
        ),
    });
    // Failures reach the writer through its callbacks and `seal`; alone they must not end the process.
    this.sink.on("error", () => undefined);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  append(bytes: Buffer): Promise<void> | undefined {
    if (this.#isHeld(bytes.length)) {
      this.#hold([bytes], bytes.length);
      return undefined;
    }
    if (this.#writes) return this.#write(this.#writes, bytes);
    this.#writing = this.#accept([bytes]);
    return this.#writing;
  }

  seal(): Promise<SealedFile> {
    this.#sealed ??= translated(() => this.#seal());
    return this.#sealed;
  }

  hashed(): Promise<SealedFile> {
    this.#hashed ??= translated(() => this.#hash());
    return this.#hashed;
  }

  async read(start: number, length: number): Promise<Buffer> {
    if (this.#isDisposed) throw storageErrors.unavailable("the incoming file is gone");
    const wanted = Math.max(0, Math.min(length, this.#sizeBytes - start));
    if (this.#held) return Buffer.concat(this.#held).subarray(start, start + wanted);
    return translated(async () => {
      if (this.#handle && this.#writes) return this.#writes.read(start, wanted);
      const handle = await this.#readerHandle();
      const buffer = Buffer.allocUnsafe(wanted);
      const { bytesRead } = await handle.read(buffer, 0, wanted, start);
      return buffer.subarray(0, bytesRead);
    });
  }

  get isToBeMoved(): boolean {
    return this.#options.isMoved;
  }

  /** Gives the incoming name away; the open file can still be read, and placed again as a copy. */
  async move(target: string): Promise<void> {
    if (this.#handle) this.#reader = Promise.resolve(this.#handle);
    this.#handle = undefined;
    await this.#readerHandle();
    await this.#options.files.rename(this.path, target);
    this.#isMoved = true;
  }

  /** Writes the bytes again under the incoming name, if that was given away. */
  async restoreName(): Promise<void> {
    if (!this.#isMoved) return;
    const source = await this.#readerHandle();
    await this.#options.files.rm(this.path, { force: true });
    const copy = await this.#create();
    for (let at = 0; at < this.#sizeBytes; ) {
      const step = await source.read(Buffer.allocUnsafe(GROW_BYTES), 0, GROW_BYTES, at);
      if (step.bytesRead === 0) throw storageErrors.unavailable("the incoming file is cut off");
      await writeFully(copy, [step.buffer.subarray(0, step.bytesRead)], at);
      at += step.bytesRead;
    }
    await copy.datasync();
    await this.#release(copy);
    this.#isMoved = false;
  }

  /** Forgets the file: closes it and removes its name. Bytes that were placed stay. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    await this.#stopWriting();
    this.#held = undefined;
    await this.#hashing?.drop().catch(() => undefined);
    await this.#handle?.close();
    const reader = await this.#reader?.catch(() => undefined);
    await reader?.close();
    if (!this.#isMoved) await translated(() => removeFile(this.#options.files, this.path));
  }

  /** A write that is under way still uses the descriptor, whatever became of the stream. */
  async #stopWriting(): Promise<void> {
    await this.#hashed?.catch(() => undefined);
    await this.#sealed?.catch(() => undefined);
    this.sink.destroy();
    await this.#writing.catch(() => undefined);
    await this.#writes?.stop();
  }

  #take(buffers: readonly Buffer[], done: (error?: Error | null) => void): void {
    this.#writing = this.#accept(buffers);
    this.#writing.then(() => done(), done);
  }

  async #accept(buffers: readonly Buffer[]): Promise<void> {
    const length = buffers.reduce((sum, { length: bytes }) => sum + bytes, 0);
    if (this.#isHeld(length)) return this.#hold(buffers, length);
    const writes = this.#writes ?? (await translated(() => this.#beginWrites()));
    for (const buffer of buffers) await this.#write(writes, buffer);
  }

  #isHeld(more: number): boolean {
    return this.#held !== undefined && this.#sizeBytes + more <= SMALL_BYTES;
  }

  #hold(buffers: readonly Buffer[], length: number): void {
    this.#held?.push(...buffers);
    this.#sizeBytes += length;
  }

  #write(writes: GatheredWrites, bytes: Buffer): Promise<void> | undefined {
    this.#sizeBytes += bytes.length;
    const full = this.#add(writes, bytes);
    return full && translated(() => full);
  }

  #add(writes: GatheredWrites, bytes: Buffer): Promise<void> | undefined {
    // At once, while the bytes are in the caches of the processor.
    if (!this.#areHashedAside) this.#sha256.update(bytes);
    return writes.add(bytes);
  }

  async #beginWrites(): Promise<GatheredWrites> {
    const handle = this.#handle ?? (await this.#create());
    const { ownsBytes } = this.#options;
    const onWritten = (sizeBytes: number) => this.#announceGrowth(handle, sizeBytes);
    const writes = new GatheredWrites({ handle, position: 0, ownsBytes, onWritten });
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#writes = writes;
    for (const bytes of held) await this.#add(writes, bytes);
    return writes;
  }

  #announceGrowth(handle: FileHandle, sizeBytes: number): void {
    const aside = this.#aside();
    if (aside.length === 0) return;
    this.#hashing ??= this.#options.hashes.begin(handle.fd, aside);
    if (sizeBytes - this.#announced < GROW_BYTES) return;
    this.#announced = sizeBytes;
    this.#hashing.grow(sizeBytes);
  }

  /** What another thread computes. */
  #aside(): readonly Algorithm[] {
    const { algorithms } = this.#options;
    return this.#areHashedAside ? algorithms : algorithms.filter((name) => name !== "sha256");
  }

  /** Its folder may have been removed while this process was taken for dead. */
  async #create(): Promise<FileHandle> {
    const { files, makeFolder, mode } = this.#options;
    const open = () => files.open(this.path, "wx+", mode.wanted ?? undefined);
    this.#handle = await open().catch(async (error) => {
      if (systemCode(error) !== "ENOENT") throw error;
      await makeFolder(dirname(this.path));
      return open();
    });
    await mode.settle(this.#handle);
    return this.#handle;
  }

  async #seal(): Promise<SealedFile> {
    const hashed = this.hashed();
    // Large files are synced while other threads hash them.
    const synced = finished(this.#ended()).then(() => this.#sync());
    const [sealed] = await Promise.allSettled([hashed, synced]).then(bothOrThrow);
    const handle = this.#handle;
    if (handle && !this.#options.isMoved) await this.#release(handle);
    this.#held = undefined;
    return sealed;
  }

  #ended(): Writable {
    if (!this.sink.writableEnded) this.sink.end();
    return this.sink;
  }

  async #hash(): Promise<SealedFile> {
    await finished(this.#ended());
    const digests = this.#held ? this.#hashSmall(this.#held) : await this.#hashLarge();
    return { sizeBytes: this.#sizeBytes, digests };
  }

  #hashSmall(held: readonly Buffer[]): SealedFile["digests"] {
    const entries = this.#options.algorithms.map((name) => {
      const hash = createHash(name);
      for (const bytes of held) hash.update(bytes);
      return [name, hash.digest("hex")];
    });
    return Object.fromEntries(entries) as SealedFile["digests"];
  }

  async #hashLarge(): Promise<SealedFile["digests"]> {
    if (this.#aside().length > 0) await this.#writes?.flush();
    const hashing = this.#hashing;
    const others = hashing?.end(this.#sizeBytes);
    // The thread has answered or will not: nothing is left to drop.
    this.#hashing = undefined;
    return { sha256: this.#sha256.digest("hex"), ...(await others) };
  }

  async #sync(): Promise<void> {
    const held = this.#held;
    const handle = held ? await this.#create() : this.#handle;
    if (!handle) throw storageErrors.unavailable("the incoming file was never written");
    if (held?.length) await writeFully(handle, held, 0);
    await this.#writes?.flush();
    await handle.datasync();
  }

  /** Sealed files may wait long in great numbers; whoever reads one opens it again. */
  async #release(handle: FileHandle): Promise<void> {
    this.#handle = undefined;
    await handle.close();
  }

  #readerHandle(): Promise<FileHandle> {
    this.#reader ??= this.#options.files.open(this.path, "r");
    return this.#reader;
  }
}

/** Both have ended, so the descriptor is free; the first failure counts. */
function bothOrThrow<First, Second>(
  results: readonly [PromiseSettledResult<First>, PromiseSettledResult<Second>],
): readonly [First, Second] {
  const [first, second] = results;
  if (second.status === "rejected") throw translate(second.reason);
  if (first.status === "rejected") throw first.reason;
  return [first.value, second.value];
}
