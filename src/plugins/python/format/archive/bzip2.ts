import { setImmediate } from "node:timers/promises";
import { Malformed } from "../malformed.ts";
import { type ByteSource, bytesAt } from "./byte-source.ts";
import { Bits } from "./bzip2-bits.ts";
import { BlockMemory, readBlock, type SortedBlock } from "./bzip2-block.ts";

/** More than the largest block takes when it is packed: 20 bits for each of 900 000 bytes. */
const BLOCK_BYTES = 3 * 1024 * 1024;
const READ_BYTES = 4 * 1024 * 1024;
const OUT_BYTES = 64 * 1024;

const LEVEL_BYTES = 100_000;
const BLOCK_MAGIC = [0x314159, 0x265359];
const END_MAGIC = [0x177245, 0x385090];

/**
 * Unpacks bzip2 in pieces of 64 KiB, one stream after the other, and checks the checksums.
 *
 * Holds 12 MB at most, and lets other work go on between pieces.
 *
 * @throws `Malformed` if a stream is cut off or broken, or if something else follows it.
 */
export async function* bunzipped(source: ByteSource): AsyncGenerator<Buffer> {
  const window = new Window(source);
  const memory = new BlockMemory();
  do {
    yield* oneStream(window, memory);
  } while (!window.isAtEnd);
}

async function* oneStream(window: Window, memory: BlockMemory): AsyncGenerator<Buffer> {
  const head = await window.bits();
  const [signature, level] = [head.read(24), head.read(8) - ZERO];
  if (signature !== SIGNATURE || level < 1 || level > 9)
    throw new Malformed("The file is no bzip2 stream, or something else follows one.");
  let combined = 0;
  for (;;) {
    const bits = await window.bits();
    const magic = [bits.read(24), bits.read(24)];
    const checksum = bits.readWord();
    if (isSame(magic, END_MAGIC)) {
      if (checksum !== combined) throw new Malformed(WRONG_CHECKSUM);
      bits.alignToByte();
      return;
    }
    if (!isSame(magic, BLOCK_MAGIC)) throw new Malformed("The bzip2 stream has no block in it.");
    yield* expanded(readBlock(bits, { memory, most: level * LEVEL_BYTES }), checksum);
    await setImmediate();
    combined = (((combined << 1) | (combined >>> 31)) ^ checksum) >>> 0;
  }
}

const SIGNATURE = 0x425a68;
const ZERO = 48;
const WRONG_CHECKSUM = "The bzip2 stream does not have its checksum.";

const isSame = (a: readonly number[], b: readonly number[]): boolean =>
  a.every((value, index) => value === b[index]);

/** The part of the source that is looked at; holds a whole block before one is read. */
class Window {
  readonly #source: ByteSource;
  #bytes: Buffer = Buffer.alloc(0);
  #readBytes = 0;
  #bits = new Bits(this.#bytes, 0);

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Bits that go on where the ones before were left. */
  async bits(): Promise<Bits> {
    const leftBytes = this.#source.sizeBytes - this.#readBytes;
    if (leftBytes > 0 && this.#bytes.length - this.#bits.nextByte < BLOCK_BYTES) {
      const length = Math.min(READ_BYTES, leftBytes);
      const more = await bytesAt(this.#source, { start: this.#readBytes, length }, "A piece");
      this.#readBytes += length;
      this.#bytes = Buffer.concat([this.#bytes.subarray(this.#bits.nextByte), more]);
      this.#bits = this.#bits.over(this.#bytes);
    }
    return this.#bits;
  }

  get isAtEnd(): boolean {
    return this.#readBytes === this.#source.sizeBytes && this.#bits.nextByte >= this.#bytes.length;
  }
}

async function* expanded(block: SortedBlock, checksum: number): AsyncGenerator<Buffer> {
  const runs = new Runs(block);
  for (let piece = runs.next(); piece.length > 0; piece = runs.next()) {
    yield piece;
    await setImmediate();
  }
  if (runs.checksum !== checksum) throw new Malformed(WRONG_CHECKSUM);
}

/** Four equal bytes are followed by the number of those that follow them. */
const REPEATED = 4;
const MAX_RUN = 255;

/** Walks through a block, and writes out what stands for several bytes. */
class Runs {
  readonly #block: SortedBlock;
  #place: number;
  #read = 0;
  #equal = 0;
  #last = -1;
  #crc = 0xffffffff;

  constructor(block: SortedBlock) {
    this.#block = block;
    this.#place = (block.links[block.first] ?? 0) >>> 8;
  }

  /** Of what was written so far. */
  get checksum(): number {
    return ~this.#crc >>> 0;
  }

  /** The next 64 KiB or what is left, which may be nothing. */
  next(): Buffer {
    const { links, length } = this.#block;
    const out = Buffer.allocUnsafe(OUT_BYTES);
    let [size, place, equal, last, crc] = [0, this.#place, this.#equal, this.#last, this.#crc];
    let read = this.#read;
    for (; read < length && size + MAX_RUN <= OUT_BYTES; read += 1) {
      const link = links[place] ?? 0;
      place = link >>> 8;
      const byte = link & 0xff;
      const isCount = equal === REPEATED;
      const end = size + (isCount ? byte : 1);
      equal = isCount ? 0 : byte === last ? equal + 1 : 1;
      last = isCount ? last : byte;
      for (; size < end; size += 1) {
        out[size] = last;
        crc = (crc << 8) ^ (CRC_TABLE[(crc >>> 24) ^ last] ?? 0);
      }
    }
    [this.#read, this.#place, this.#equal, this.#last, this.#crc] = [read, place, equal, last, crc];
    return out.subarray(0, size);
  }
}

const POLYNOMIAL = 0x04c11db7;

/** CRC-32 from the highest bit on, which is not that of zip. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) crc = crc < 0 ? (crc << 1) ^ POLYNOMIAL : crc << 1;
  return crc >>> 0;
});
