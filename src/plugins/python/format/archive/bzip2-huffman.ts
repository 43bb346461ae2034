import { Malformed } from "../malformed.ts";
import type { Bits } from "./bzip2-bits.ts";

export const MAX_CODE_BITS = 20;

/** A canonical Huffman code: shorter codes come first, and equally long ones by their symbol. */
export class HuffmanCode {
  /** By length: one more than the highest code of it, filled up to 20 bits. */
  readonly #limits = new Uint32Array(MAX_CODE_BITS + 1);
  /** By length: what to add to a code for its place among the symbols. */
  readonly #shifts = new Int32Array(MAX_CODE_BITS + 1);
  readonly #symbols: Uint16Array;

  /**
   * @param lengths bits of the code of each symbol, 1 to 20.
   * @throws `Malformed` if there are more codes than such lengths can have.
   */
  constructor(lengths: Uint8Array) {
    const counts = new Uint32Array(MAX_CODE_BITS + 1);
    for (const length of lengths) counts[length] = (counts[length] ?? 0) + 1;
    const order = Array.from(lengths, (length, symbol) => ({ length, symbol }));
    order.sort((a, b) => a.length - b.length || a.symbol - b.symbol);
    this.#symbols = Uint16Array.from(order, ({ symbol }) => symbol);
    let code = 0;
    let place = 0;
    for (let length = 1; length <= MAX_CODE_BITS; length += 1) {
      const count = counts[length] ?? 0;
      this.#shifts[length] = place - code;
      code += count;
      place += count;
      if (code > 2 ** length) throw new Malformed("A code of the bzip2 stream is impossible.");
      this.#limits[length] = code << (MAX_CODE_BITS - length);
      code *= 2;
    }
  }

  /** @throws `Malformed` if no symbol has such a code. */
  read(bits: Bits): number {
    const next = bits.peek(MAX_CODE_BITS);
    for (let length = 1; length <= MAX_CODE_BITS; length += 1) {
      if (next >= (this.#limits[length] ?? 0)) continue;
      bits.skip(length);
      return this.#symbols[(next >>> (MAX_CODE_BITS - length)) + (this.#shifts[length] ?? 0)] ?? 0;
    }
    throw new Malformed("The bzip2 stream has a code that stands for nothing.");
  }
}
