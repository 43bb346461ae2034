import { readSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { Readable } from "node:stream";
import { storageErrors, translate, translated } from "./errors.ts";
import type { StoredObject } from "./storage.ts";

const STEP_BYTES = 256 * 1024;

/** An open file of the store. Its size is that of the moment it was opened. */
export class StoredFile implements StoredObject {
  readonly sizeBytes: number;
  readonly #handle: FileHandle;
  readonly #object: string;
  #isClosed = false;

  constructor(handle: FileHandle, object: string, sizeBytes: number) {
    this.#handle = handle;
    this.#object = object;
    this.sizeBytes = sizeBytes;
  }

  async read(start: number, length: number, into?: Buffer): Promise<Buffer> {
    const buffer = into?.subarray(0, length) ?? Buffer.allocUnsafe(length);
    let got = 0;
    while (got < length) {
      const { bytesRead } = await translated(() =>
        this.#handle.read(buffer, got, length - got, start + got),
      );
      if (bytesRead === 0) throw storageErrors.truncated(this.#object, start + length, start + got);
      got += bytesRead;
    }
    return buffer;
  }

  readNow(start: number, length: number, into: Buffer): Buffer {
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
      return readSync(this.#handle.fd, into, got, length - got, start + got);
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
    await this.#handle.close();
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
