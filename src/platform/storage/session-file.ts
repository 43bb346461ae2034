import { createHash, type Hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { uuid7 } from "#base/uuid7.ts";
import { storageErrors, systemCode, translated } from "./errors.ts";
import { type FileOperations, writeFully } from "./file-operations.ts";
import { GatheredWrites } from "./gathered-writes.ts";
import type { Placeable } from "./placeable.ts";
import type { SealedFile, SessionFile } from "./storage.ts";

const STEP_BYTES = 262_144;

export interface SessionOptions {
  readonly files: FileOperations;
  readonly path: string;
  /** Bytes that are known to be durable; what lies beyond them is cut off. */
  readonly sizeBytes: number;
  /** Final mode; null leaves it to the umask. */
  readonly fileMode: number | null;
  readonly makeFolder: () => Promise<void>;
  /** Makes the names in its folder durable. */
  readonly syncFolder: () => Promise<void>;
}

/** Opens or makes the file of a session; what is there already is hashed again. */
export async function openSessionFile(options: SessionOptions): Promise<SessionFile> {
  const { sizeBytes } = options;
  return translated(async () => {
    let handle = await openOrMake(options);
    const hash = createHash("sha256");
    try {
      const { size, nlink } = await handle.stat();
      if (size < sizeBytes) throw storageErrors.missing(options.path);
      if (nlink > 1) handle = await withOwnBytes(options, handle);
      else if (size > sizeBytes) await handle.truncate(sizeBytes);
      await hashInto(hash, handle, sizeBytes);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return new LocalSession(options, handle, hash);
  });
}

/**
 * A session that was placed and not ended shares its bytes with a stored object, which must stay as
 * they are: it goes on with a copy of its own.
 */
async function withOwnBytes(options: SessionOptions, shared: FileHandle): Promise<FileHandle> {
  const { files, path, sizeBytes, fileMode } = options;
  const copy = join(dirname(path), uuid7());
  await using stack = new AsyncDisposableStack();
  stack.defer(() => files.rm(copy, { force: true }));
  const handle = await files.open(copy, "wx+");
  if (fileMode !== null) await handle.chmod(fileMode);
  const buffer = Buffer.allocUnsafe(Math.min(STEP_BYTES, sizeBytes));
  for (let at = 0; at < sizeBytes; ) {
    const length = Math.min(buffer.length, sizeBytes - at);
    const { bytesRead } = await shared.read(buffer, 0, length, at);
    if (bytesRead === 0) throw storageErrors.unavailable("the file of the upload is cut off");
    await writeFully(handle, [buffer.subarray(0, bytesRead)], at);
    at += bytesRead;
  }
  await handle.datasync();
  await files.rename(copy, path);
  await options.syncFolder();
  await shared.close();
  return handle;
}

async function openOrMake({ files, path, sizeBytes, ...options }: SessionOptions) {
  try {
    return await files.open(path, "r+");
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
    if (sizeBytes > 0) throw storageErrors.missing(path);
  }
  const make = () => files.open(path, "wx+");
  const handle = await make().catch(async (error) => {
    if (systemCode(error) !== "ENOENT") throw error;
    await options.makeFolder();
    return make();
  });
  if (options.fileMode !== null) await handle.chmod(options.fileMode);
  return handle;
}

async function hashInto(hash: Hash, handle: FileHandle, sizeBytes: number): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(STEP_BYTES, sizeBytes));
  for (let at = 0; at < sizeBytes; ) {
    const length = Math.min(buffer.length, sizeBytes - at);
    const { bytesRead } = await handle.read(buffer, 0, length, at);
    if (bytesRead === 0) throw storageErrors.unavailable("the file of the upload is cut off");
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}

class LocalSession implements SessionFile, Placeable {
  readonly path: string;
  readonly #options: SessionOptions;
  readonly #handle: FileHandle;
  #hash: Hash;
  /** State of the hash over what is durable. */
  #durable: { readonly sizeBytes: number; readonly hash: Hash };
  #sizeBytes: number;
  #writes: GatheredWrites;
  #isNamed: boolean;
  #sealed: Promise<SealedFile> | undefined;
  #isClosed = false;

  constructor(options: SessionOptions, handle: FileHandle, hash: Hash) {
    this.path = options.path;
    this.#options = options;
    this.#handle = handle;
    this.#hash = hash;
    this.#sizeBytes = options.sizeBytes;
    this.#durable = { sizeBytes: options.sizeBytes, hash: hash.copy() };
    this.#isNamed = options.sizeBytes > 0;
    this.#writes = this.#writesFrom(options.sizeBytes);
  }

  #writesFrom(position: number): GatheredWrites {
    return new GatheredWrites({ handle: this.#handle, position, ownsBytes: true });
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  append(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#sealed) throw new Error("What is sealed may be an object, and takes no bytes.");
    this.#hash.update(bytes);
    this.#sizeBytes += bytes.length;
    const full = this.#writes.add(bytes);
    return full && translated(() => full);
  }

  flush(): Promise<void> {
    return translated(async () => {
      await this.#writes.flush();
      await this.#handle.datasync();
      if (!this.#isNamed) await this.#options.syncFolder();
      this.#isNamed = true;
      this.#durable = { sizeBytes: this.#sizeBytes, hash: this.#hash.copy() };
    });
  }

  get isSealed(): boolean {
    return this.#sealed !== undefined;
  }

  cutBack(): Promise<void> {
    return translated(async () => {
      if (this.#sealed) throw new Error("What is sealed may be an object, and is not cut.");
      await this.#writes.stop();
      await this.#handle.truncate(this.#durable.sizeBytes);
      this.#writes = this.#writesFrom(this.#durable.sizeBytes);
      this.#sizeBytes = this.#durable.sizeBytes;
      this.#hash = this.#durable.hash.copy();
    });
  }

  async sha512(): Promise<string> {
    const hash = createHash("sha512");
    await translated(async () => {
      await this.#writes.flush();
      await hashInto(hash, this.#handle, this.#sizeBytes);
    });
    return hash.digest("hex");
  }

  seal(): Promise<SealedFile> {
    this.#sealed ??= translated(async () => {
      await this.#writes.flush();
      await this.#handle.datasync();
      const digests = { sha256: this.#hash.copy().digest("hex") };
      return { sizeBytes: this.#sizeBytes, digests };
    });
    return this.#sealed;
  }

  get sha256(): string {
    return this.#hash.copy().digest("hex");
  }

  async read(start: number, length: number): Promise<Buffer> {
    const wanted = Math.max(0, Math.min(length, this.#sizeBytes - start));
    return translated(() => this.#writes.read(start, wanted));
  }

  move(target: string): Promise<void> {
    return this.#options.files.rename(this.path, target);
  }

  /** Where names cannot be linked, a session that has given its name away is over. */
  async restoreName(): Promise<void> {
    await this.#options.files.stat(this.path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#writes.stop();
    await this.#handle.close();
  }
}
