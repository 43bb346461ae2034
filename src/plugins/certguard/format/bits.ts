import { MalformedEntitlement } from "./malformed.ts";

/** Reads bits from the highest of each byte on. */
export class Bits {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** @throws `MalformedEntitlement` at the end. */
  next(): 0 | 1 {
    const byte = this.#bytes[this.#at >> 3];
    if (byte === undefined) throw new MalformedEntitlement("The path tree is cut off.");
    const bit = (byte >> (7 - (this.#at & 7))) & 1;
    this.#at += 1;
    return bit === 0 ? 0 : 1;
  }

  /** Eight bits as a number. */
  byte(): number {
    let value = 0;
    for (let bit = 0; bit < 8; bit += 1) value = value * 2 + this.next();
    return value;
  }
}
