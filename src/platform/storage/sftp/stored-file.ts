import { Readable } from "node:stream";
import { storageErrors } from "../errors.ts";
import type { StoredObject } from "../storage.ts";
import { translated } from "./errors.ts";
import type { Connection } from "./session.ts";

const STEP_BYTES = 256 * 1024;

export interface StoredFileParts {
  /** That opened it. */
  readonly connection: Connection;
  readonly handle: Buffer;
  readonly object: string;
  readonly sizeBytes: number;
}

/** An open file of another machine: what was opened, whatever has its name meanwhile. */
export class RemoteFile implements StoredObject {
  readonly #parts: StoredFileParts;
  #isClosed = false;

  constructor(parts: StoredFileParts) {
    this.#parts = parts;
  }

  get sizeBytes(): number {
    return this.#parts.sizeBytes;
  }

  async read(start: number, length: number): Promise<Buffer> {
    if (this.#isClosed) throw storageErrors.unavailable("the file is closed");
    const { connection, handle, object } = this.#parts;
    const bytes = Buffer.allocUnsafe(length);
    for (let got = 0; got < length; ) {
      const count = await translated(() =>
        connection.do<number>((sftp, done) =>
          sftp.read(handle, bytes, got, length - got, start + got, (error, read) =>
            isEnd(error) ? done(null, 0) : done(error, read),
          ),
        ),
      );
      if (count === 0) throw storageErrors.truncated(object, start + length, start + got);
      got += count;
    }
    return bytes;
  }

  stream(range = { start: 0, end: this.sizeBytes - 1 }): Readable {
    const pieces = async function* (this: RemoteFile) {
      for (let at = range.start; at <= range.end; at += STEP_BYTES)
        yield await this.read(at, Math.min(STEP_BYTES, range.end + 1 - at));
    };
    return Readable.from(pieces.call(this), { objectMode: false });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { connection, handle } = this.#parts;
    // Nothing was written; with the connection the handle is gone by itself.
    await connection
      .do<void>((sftp, done) => sftp.close(handle, done as () => void))
      .catch(() => undefined);
  }
}

const END_OF_FILE = 1;
const isEnd = (error: Error | undefined | null): boolean =>
  (error as { code?: number } | undefined | null)?.code === END_OF_FILE;
