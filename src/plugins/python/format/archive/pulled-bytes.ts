import { Malformed } from "../malformed.ts";

/** Takes a stream of bytes in the sizes that its reader wants. */
export class PulledBytes {
  readonly #pieces: AsyncIterator<Buffer>;
  #piece: Buffer = Buffer.alloc(0);
  #taken = 0;

  constructor(pieces: AsyncIterable<Buffer>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** Bytes that were taken or skipped. */
  get takenBytes(): number {
    return this.#taken;
  }

  /** What comes next, up to `most` bytes of it; undefined at the end. */
  async some(most: number): Promise<Buffer | undefined> {
    while (this.#piece.length === 0) {
      const { done, value } = await this.#pieces.next();
      if (done) return undefined;
      this.#piece = value;
    }
    const part = this.#piece.subarray(0, most);
    this.#piece = this.#piece.subarray(part.length);
    this.#taken += part.length;
    return part;
  }

  /**
   * Exactly `length` bytes, which are held.
   *
   * @throws `Malformed` if there are fewer.
   */
  async exactly(length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let left = length; left > 0; ) {
      const part = await this.#next(left);
      parts.push(part);
      left -= part.length;
    }
    return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
  }

  /** @throws `Malformed` if there are fewer bytes. */
  async skip(length: number): Promise<void> {
    for (let left = length; left > 0; ) left -= (await this.#next(left)).length;
  }

  async #next(most: number): Promise<Buffer> {
    const part = await this.some(most);
    if (part === undefined) throw new Malformed("The tar archive is cut off.");
    return part;
  }
}
