import { Malformed } from "../malformed.ts";

/** Reads bits, the highest of each byte first. */
export class Bits {
  readonly #bytes: Buffer;
  #at: number;
  /** Bits that were taken from the bytes and not yet read, in the lower `#held` places. */
  #bits = 0;
  #held = 0;

  /** @param at offset of the first byte to read. */
  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /**
   * @param count 1 to 24.
   * @throws `Malformed` at the end.
   */
  read(count: number): number {
    const value = this.peek(count);
    this.skip(count);
    return value;
  }

  /** The next bits, up to 24, as if zeros came after the end. */
  peek(count: number): number {
    while (this.#held < count && this.#at < this.#bytes.length) {
      this.#bits = (this.#bits << 8) | (this.#bytes[this.#at] ?? 0);
      this.#at += 1;
      this.#held += 8;
    }
    const missing = count - this.#held;
    return missing > 0 ? this.#bits << missing : this.#bits >>> -missing;
  }

  /**
   * Passes over bits that were peeked at.
   *
   * @throws `Malformed` if there are fewer.
   */
  skip(count: number): void {
    this.#held -= count;
    if (this.#held < 0) throw new Malformed("The bzip2 stream is cut off.");
    this.#bits &= (1 << this.#held) - 1;
  }

  /** 32 bits as a number that is not negative. */
  readWord(): number {
    return this.read(16) * 0x10000 + this.read(16);
  }

  /** Offset of the first byte of which no bit was read. */
  get nextByte(): number {
    return this.#at - (this.#held >> 3);
  }

  /** The same place in bytes that begin with `nextByte`. */
  over(bytes: Buffer): Bits {
    const bits = new Bits(bytes, 0);
    bits.#held = this.#held % 8;
    bits.#bits = this.#bits >>> (this.#held - bits.#held);
    return bits;
  }

  /** Goes on with the next byte. */
  alignToByte(): void {
    const rest = this.#held % 8;
    if (rest > 0) this.skip(rest);
  }
}
