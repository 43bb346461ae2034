import { closeSync, read, readSync } from "node:fs";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { storageErrors, translate, translated } from "./errors.ts";
import type { StoredObject } from "./storage.ts";

const STEP_BYTES = 256 * 1024;

const readInThread = promisify(read);

/**
 * An open file of the store. Its size is that of the moment it was opened. It has the bare
 * descriptor: each step that goes through a thread costs more than reading a small file does.
 */
export class StoredFile implements StoredObject {
  readonly sizeBytes: number;
  readonly #descriptor: number;
  readonly #object: string;
  #isClosed = false;
  /** Reads under way in threads: the descriptor must not become another file's below them. */
  #reads = 0;

  constructor(descriptor: number, object: string, sizeBytes: number) {
    this.#descriptor = descriptor;
    this.#object = object;
    this.sizeBytes = sizeBytes;
  }

  async read(start: number, length: number, into?: Buffer): Promise<Buffer> {
    // A closed descriptor may be somebody else's by now.
    if (this.#isClosed) throw storageErrors.unavailable("the file is closed");
    const buffer = into?.subarray(0, length) ?? Buffer.allocUnsafe(length);
    this.#reads += 1;
    try {
      await this.#fill(buffer, start);
      return buffer;
    } finally {
      this.#reads -= 1;
      if (this.#isClosed) this.#closeWhenUnused();
    }
  }

  async #fill(buffer: Buffer, start: number): Promise<void> {
    const { length } = buffer;
    let got = 0;
    while (got < length) {
      const { bytesRead } = await translated(() =>
        readInThread(this.#descriptor, buffer, got, length - got, start + got),
      );
      if (bytesRead === 0) throw storageErrors.truncated(this.#object, start + length, start + got);
      got += bytesRead;
    }
  }

  readNow(start: number, length: number, into: Buffer): Buffer {
    if (this.#isClosed) throw storageErrors.unavailable("the file is closed");
    let got = 0;
    while (got < length) {
      const bytesRead = this.#readSync(into, { got, length, start });
      if (bytesRead === 0) throw storageErrors.truncated(this.#object, start + length, start + got);
      got += bytesRead;
    }
    return into.subarray(0, length);
  }

  #readSync(
    into: Buffer,
    {
      got,
      length,
      start,
    }: { readonly got: number; readonly length: number; readonly start: number },
  ): number {
    try {
      return readSync(this.#descriptor, into, got, length - got, start + got);
    } catch (error) {
      throw translate(error);
    }
  }

  stream(range?: { readonly start: number; readonly end: number }): Readable {
    return new ObjectStream(this, range ?? { start: 0, end: this.sizeBytes - 1 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closeWhenUnused();
  }

  /** Nothing was written through it, so closing waits for nothing. */
  #closeWhenUnused(): void {
    if (this.#reads === 0) closeSync(this.#descriptor);
  }
}

/** Reads on only when the consumer wants more; ends early with an error, never cleanly. */
class ObjectStream extends Readable {
  readonly #object: StoredFile;
  readonly #end: number;
  #at: number;

  constructor(object: StoredFile, range: { readonly start: number; readonly end: number }) {
    super({ highWaterMark: STEP_BYTES });
    this.#object = object;
    this.#at = range.start;
    this.#end = range.end;
  }

  override _read(): void {
    const length = Math.min(STEP_BYTES, this.#end - this.#at + 1);
    if (length <= 0) {
      this.push(null);
      return;
    }
    this.#object.read(this.#at, length).then(
      (chunk) => {
        this.#at += length;
        this.push(chunk);
      },
      (error: unknown) => this.destroy(translate(error) as Error),
    );
  }
}
