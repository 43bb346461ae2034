import { PassThrough, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { storageErrors } from "./errors.ts";
import type { StoredObject } from "./storage.ts";

/** Downloads that wait for the next piece to be asked for: one for each reader of the object. */
const MOST_CURSORS = 16;
const IDLE_MS = 10_000;

/** How the bytes of one object come from a store across the network. */
export interface RemoteBytes {
  /** Name for errors. */
  readonly object: string;
  readonly sizeBytes: number;
  /**
   * Bytes `start` to `end`, both inclusive, of the object as it was when its size was found; rejects
   * when another one has its name.
   */
  get(start: number, end: number, signal: AbortSignal): Promise<Readable>;
  /** What a failure means in the words of `storageErrors`. */
  told(error: unknown): unknown;
}

/** A download that is read piece by piece; it is `at` the byte that comes next. */
interface Cursor {
  readonly body: Readable;
  readonly abort: AbortController;
  at: number;
  idle: NodeJS.Timeout | undefined;
}

/**
 * An object of a store across the network. Whoever reads it piece after piece gets one download, not one per piece;
 * if the object changes meanwhile, reading fails instead of mixing two.
 */
export class RemoteObject implements StoredObject {
  readonly #bytes: RemoteBytes;
  #cursors: Cursor[] = [];
  #isClosed = false;

  constructor(bytes: RemoteBytes) {
    this.#bytes = bytes;
  }

  get sizeBytes(): number {
    return this.#bytes.sizeBytes;
  }

  async read(start: number, length: number): Promise<Buffer> {
    if (this.#isClosed) throw storageErrors.unavailable("the object is closed");
    if (length === 0) return Buffer.alloc(0);
    this.#requireWithin(start + length);
    const cursor = this.#take(start) ?? (await this.#open(start));
    try {
      const bytes = await take(cursor, length);
      if (bytes.length < length) throw this.#truncated(start + bytes.length);
      cursor.at = start + length;
      this.#put(cursor);
      return bytes;
    } catch (error) {
      cursor.abort.abort();
      throw this.#told(error);
    }
  }

  stream(range?: { readonly start: number; readonly end: number }): Readable {
    const { start, end } = range ?? { start: 0, end: this.sizeBytes - 1 };
    const out = new PassThrough();
    if (end < start) return out.end();
    this.#pour(out, start, end).catch((error) => out.destroy(this.#told(error) as Error));
    return out;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const cursor of this.#cursors) this.#drop(cursor);
    this.#cursors = [];
  }

  async #pour(out: PassThrough, start: number, end: number): Promise<void> {
    this.#requireWithin(end + 1);
    const { body } = await this.#get(start, end);
    const told = this.#told;
    const counted = async function* () {
      let at = start;
      try {
        for await (const piece of body as AsyncIterable<Buffer>) {
          at += piece.length;
          yield piece;
        }
      } catch (error) {
        throw told(error);
      }
      if (at !== end + 1) throw told(new CutOff(at));
    };
    await pipeline(Readable.from(counted(), { objectMode: false }), out);
  }

  #requireWithin(end: number): void {
    if (end > this.sizeBytes)
      throw storageErrors.truncated(this.#bytes.object, end, this.sizeBytes);
  }

  #take(start: number): Cursor | undefined {
    const index = this.#cursors.findIndex(({ at }) => at === start);
    const [cursor] = index < 0 ? [] : this.#cursors.splice(index, 1);
    clearTimeout(cursor?.idle);
    return cursor;
  }

  #put(cursor: Cursor): void {
    if (this.#isClosed || cursor.at >= this.sizeBytes) {
      this.#drop(cursor);
      return;
    }
    const oldest = this.#cursors.length >= MOST_CURSORS ? this.#cursors.shift() : undefined;
    if (oldest) this.#drop(oldest);
    cursor.idle = setTimeout(() => {
      this.#cursors = this.#cursors.filter((one) => one !== cursor);
      this.#drop(cursor);
    }, IDLE_MS).unref();
    this.#cursors.push(cursor);
  }

  #drop(cursor: Cursor): void {
    clearTimeout(cursor.idle);
    cursor.abort.abort();
  }

  async #open(start: number): Promise<Cursor> {
    const { body, abort } = await this.#get(start, this.sizeBytes - 1);
    return { body, abort, at: start, idle: undefined };
  }

  async #get(start: number, end: number): Promise<Pick<Cursor, "body" | "abort">> {
    const abort = new AbortController();
    const body = await this.#bytes.get(start, end, abort.signal).catch((error) => {
      throw this.#told(error);
    });
    // Whoever reads hears of a broken download by the read; alone it must not end the process.
    body.on("error", () => undefined);
    abort.signal.addEventListener("abort", () => body.destroy(), { once: true });
    return { body, abort };
  }

  #truncated = (at: number) => storageErrors.truncated(this.#bytes.object, this.sizeBytes, at);

  #told = (error: unknown): unknown =>
    error instanceof CutOff ? this.#truncated(error.at) : this.#bytes.told(error);
}

/** The store sent fewer bytes than it promised. */
class CutOff extends Error {
  readonly at: number;

  constructor(at: number) {
    super(`The download ended at byte ${at}.`);
    this.name = "CutOff";
    this.at = at;
  }
}

/** The next bytes of a download; fewer only at its end. */
async function take({ body }: Cursor, length: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let missing = length;
  while (missing > 0) {
    const piece = body.read() as Buffer | null;
    if (piece === null) {
      if (body.readableEnded || !(await hasMore(body))) break;
      continue;
    }
    const [head, tail] = [piece.subarray(0, missing), piece.subarray(missing)];
    if (tail.length > 0) body.unshift(tail);
    pieces.push(head);
    missing -= head.length;
  }
  return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
}

/** Resolves when there are bytes again (true) or when the download has ended. */
function hasMore(body: Readable): Promise<boolean> {
  if (body.errored) return Promise.reject(body.errored);
  if (body.destroyed) return Promise.reject(new Error("The download was given up."));
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => () => {
      for (const [name, listener] of Object.entries(listeners)) body.off(name, listener);
      act();
    };
    const listeners = {
      readable: settle(() => resolve(true)),
      end: settle(() => resolve(false)),
      close: settle(() => resolve(false)),
      error: (error: Error) => settle(() => reject(error))(),
    };
    for (const [name, listener] of Object.entries(listeners)) body.on(name, listener);
  });
}
