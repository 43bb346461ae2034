import { Malformed } from "../malformed.ts";
import type { Bits } from "./bzip2-bits.ts";
import { HuffmanCode, MAX_CODE_BITS } from "./bzip2-huffman.ts";

/** A block as sorted by Burrows and Wheeler, ready to be walked through. */
export interface SortedBlock {
  /** By place: the byte in the lower eight bits, and above them the place of the next one. */
  readonly links: Uint32Array;
  readonly length: number;
  /** Place of the first byte, itself a link. */
  readonly first: number;
}

const SYMBOLS_PER_SELECTOR = 50;
/** This symbol and the one before it are the digits of the length of a run. */
const RUN_B = 1;

/** Values that a short block has. */
const FIRST_VALUES = 16_384;

/** What the blocks of a file are unpacked in, one after the other: as large as they turn out to be. */
export class BlockMemory {
  #values = new Uint32Array(FIRST_VALUES);

  get values(): Uint32Array {
    return this.#values;
  }

  /** Has room for so many values, of which those that are there stay; twice as much as before. */
  grow(count: number, most: number): Uint32Array {
    const grown = new Uint32Array(Math.min(most, Math.max(count, 2 * this.#values.length)));
    grown.set(this.#values);
    this.#values = grown;
    return grown;
  }
}

/**
 * Reads a block behind its checksum.
 *
 * @param limits `most` bytes are what a block of this stream may have.
 * @throws `Malformed` if it contradicts itself or is longer.
 */
export function readBlock(
  bits: Bits,
  limits: { readonly memory: BlockMemory; readonly most: number },
): SortedBlock {
  if (bits.read(1) !== 0)
    throw new Malformed("The bzip2 stream is of a kind that was given up: randomised.");
  const origin = bits.read(24);
  const bytes = readUsedBytes(bits);
  const groups = bits.read(3);
  const selectors = readSelectors(bits, groups);
  const codes = Array.from({ length: groups }, () => readCode(bits, bytes.length + 2));
  const column = new Column(limits);
  readRuns(new Symbols(bits, selectors, codes), bytes, column);
  if (origin >= column.length)
    throw new Malformed("A block of the bzip2 stream begins outside of itself.");
  linkUp(column);
  return { links: column.links, length: column.length, first: origin };
}

/** The bytes that occur, as a map of sixteen ranges. */
function readUsedBytes(bits: Bits): Uint8Array {
  const ranges = bits.read(16);
  const bytes: number[] = [];
  for (let range = 0; range < 16; range += 1) {
    if ((ranges & (0x8000 >> range)) === 0) continue;
    const used = bits.read(16);
    for (let low = 0; low < 16; low += 1) {
      if (used & (0x8000 >> low)) bytes.push(range * 16 + low);
    }
  }
  if (bytes.length === 0) throw new Malformed("A block of the bzip2 stream has no bytes.");
  return Uint8Array.from(bytes);
}

/** Which code each fifty symbols are in: places in a list of which the used one moves to front. */
function readSelectors(bits: Bits, groups: number): Uint8Array {
  if (groups < 2 || groups > 6) throw new Malformed("The bzip2 stream has a bad number of codes.");
  const selectors = new Uint8Array(bits.read(15));
  const order = Array.from({ length: groups }, (_, group) => group);
  for (let index = 0; index < selectors.length; index += 1) {
    let place = 0;
    while (bits.read(1) === 1) place += 1;
    const [group] = order.splice(place, 1);
    if (group === undefined)
      throw new Malformed("The bzip2 stream names a code that is not there.");
    order.unshift(group);
    selectors[index] = group;
  }
  return selectors;
}

/** Lengths are written as differences: 0 keeps one, 10 adds one, 11 takes one. */
function readCode(bits: Bits, symbols: number): HuffmanCode {
  const lengths = new Uint8Array(symbols);
  let length = bits.read(5);
  for (let symbol = 0; symbol < symbols; symbol += 1) {
    for (;;) {
      if (length < 1 || length > MAX_CODE_BITS)
        throw new Malformed("The bzip2 stream has a code of a bad length.");
      if (bits.read(1) === 0) break;
      length += bits.read(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  return new HuffmanCode(lengths);
}

/** Reads the bytes of a block, of which equal ones in a row are written as their number. */
function readRuns(symbols: Symbols, bytes: Uint8Array, column: Column): void {
  const end = bytes.length + 1;
  let run = 0;
  let digit = 1;
  for (let symbol = symbols.next(); symbol !== end; symbol = symbols.next()) {
    if (symbol <= RUN_B) {
      run += digit * (symbol + 1);
      digit *= 2;
      continue;
    }
    if (run > 0) column.put(bytes[0] ?? 0, run);
    column.put(movedToFront(bytes, symbol - 1), 1);
    run = 0;
    digit = 1;
  }
  if (run > 0) column.put(bytes[0] ?? 0, run);
}

/** The symbols of a block, of which each fifty are in a code of their own. */
class Symbols {
  readonly #bits: Bits;
  readonly #selectors: Uint8Array;
  readonly #codes: readonly HuffmanCode[];
  #code: HuffmanCode | undefined;
  #group = 0;
  #left = 0;

  constructor(bits: Bits, selectors: Uint8Array, codes: readonly HuffmanCode[]) {
    this.#bits = bits;
    this.#selectors = selectors;
    this.#codes = codes;
  }

  next(): number {
    if (this.#left === 0) {
      this.#code = this.#codes[this.#selectors[this.#group] ?? -1];
      this.#group += 1;
      this.#left = SYMBOLS_PER_SELECTOR;
    }
    if (this.#code === undefined) throw new Malformed("A block of the bzip2 stream does not end.");
    this.#left -= 1;
    return this.#code.read(this.#bits);
  }
}

/** The last column of the sorted block, and how often each byte is in it. */
class Column {
  readonly counts = new Uint32Array(256);
  readonly #memory: BlockMemory;
  readonly #most: number;
  links: Uint32Array;
  length = 0;

  constructor({ memory, most }: { readonly memory: BlockMemory; readonly most: number }) {
    this.#memory = memory;
    this.#most = most;
    this.links = memory.values;
  }

  /** @throws `Malformed` if the block grows longer than it may be. */
  put(byte: number, count: number): void {
    const end = this.length + count;
    if (end > this.#most)
      throw new Malformed("A block of the bzip2 stream is longer than it may be.");
    if (end > this.links.length) this.links = this.#memory.grow(end, this.#most);
    if (count === 1) this.links[this.length] = byte;
    else this.links.fill(byte, this.length, end);
    this.counts[byte] = (this.counts[byte] ?? 0) + count;
    this.length = end;
  }
}

function movedToFront(bytes: Uint8Array, place: number): number {
  const moved = bytes[place] ?? 0;
  for (let at = place; at > 0; at -= 1) bytes[at] = bytes[at - 1] ?? 0;
  bytes[0] = moved;
  return moved;
}

/** Undoes the sorting: the n-th of a byte in the last column is the n-th of it in the first. */
function linkUp({ links, counts, length }: Column): void {
  const places = new Uint32Array(256);
  let sum = 0;
  for (let byte = 0; byte < 256; byte += 1) {
    places[byte] = sum;
    sum += counts[byte] ?? 0;
  }
  for (let at = 0; at < length; at += 1) {
    const byte = (links[at] ?? 0) & 0xff;
    const place = places[byte] ?? 0;
    places[byte] = place + 1;
    links[place] = ((links[place] ?? 0) | (at << 8)) >>> 0;
  }
}
