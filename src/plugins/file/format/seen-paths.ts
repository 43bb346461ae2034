import { hash } from "node:crypto";

/** Places per entry table; it doubles when two thirds are taken. */
const FIRST_PLACES = 1024;
/** A place: two halves of the key, and the mark. */
const WIDTH = 3;

/**
 * Remembers a number per path in 12 bytes and a place to spare, where a map of strings takes two
 * hundred: manifests have hundreds of thousands of lines. Paths are told apart by 64 bits of
 * their SHA-1.
 */
export class SeenPaths {
  #places = FIRST_PLACES;
  #table = new Uint32Array(FIRST_PLACES * WIDTH);
  #size = 0;

  /**
   * Notes the mark of a path that is new.
   *
   * @param mark 1 to 2³² − 1.
   * @returns the mark that the path has, or undefined if it is new.
   */
  note(path: string, mark: number): number | undefined {
    if (this.#size * 3 > this.#places * 2) this.#grow();
    const key = hash("sha1", path, "buffer");
    const [high, low] = [key.readUInt32LE(0), key.readUInt32LE(4)];
    const at = this.#find(high, low);
    const before = this.#table[at + 2];
    if (before) return before;
    this.#table.set([high, low, mark], at);
    this.#size += 1;
    return undefined;
  }

  /** Index of the place that holds the key, or of the free one where it belongs. */
  #find(high: number, low: number): number {
    let place = low % this.#places;
    for (;;) {
      const at = place * WIDTH;
      const isFree = this.#table[at + 2] === 0;
      if (isFree || (this.#table[at] === high && this.#table[at + 1] === low)) return at;
      place = (place + 1) % this.#places;
    }
  }

  #grow(): void {
    const old = this.#table;
    this.#places *= 2;
    this.#table = new Uint32Array(this.#places * WIDTH);
    for (let at = 0; at < old.length; at += WIDTH) {
      const [high = 0, low = 0, mark = 0] = old.subarray(at, at + WIDTH);
      if (mark !== 0) this.#table.set([high, low, mark], this.#find(high, low));
    }
  }
}
