import type { Random } from "../chaos/random.ts";
import { CORPUS, type Sample } from "./corpus.ts";

type Change = (bytes: Buffer, random: Random) => Buffer;

const NUMBERS = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0xffffffff];
const MAX_CHANGES = 4;

/** Where to cut, and how much. */
function slice(bytes: Buffer, random: Random): readonly [start: number, end: number] {
  const start = random.below(bytes.length + 1);
  return [start, Math.min(start + random.below(random.pick([2, 8, 64, 600])), bytes.length)];
}

function put(bytes: Buffer, at: number, value: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  value.copy(changed, at);
  return changed;
}

function number(random: Random): Buffer {
  const value = Buffer.alloc(random.pick([1, 2, 4, 8]));
  const written = Buffer.alloc(8);
  written.writeUInt32LE(random.pick(NUMBERS));
  written.copy(value);
  return value;
}

const CHANGES: readonly Change[] = [
  // A bit.
  (bytes, random) => {
    const at = random.below(bytes.length);
    return put(bytes, at, Buffer.from([(bytes[at] ?? 0) ^ (1 << random.below(8))]));
  },
  (bytes, random) => put(bytes, random.below(bytes.length + 1), number(random)),
  (bytes, random) => put(bytes, random.below(bytes.length + 1), random.bytes(1 + random.below(8))),
  // Cut off.
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  // Without a part.
  (bytes, random) => {
    const [start, end] = slice(bytes, random);
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
  },
  // With a part twice.
  (bytes, random) => {
    const [start, end] = slice(bytes, random);
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(start)]);
  },
  // A part somewhere else.
  (bytes, random) => {
    const [start, end] = slice(bytes, random);
    return put(bytes, random.below(bytes.length + 1), bytes.subarray(start, end));
  },
  // With a part of another one.
  (bytes, random) => {
    const other = random.pick(CORPUS).bytes;
    const [start, end] = slice(other, random);
    const at = random.below(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), other.subarray(start, end), bytes.subarray(at)]);
  },
  // Two files in one.
  (bytes, random) => {
    const other = random.pick(CORPUS).bytes;
    return random.below(2) === 0 ? Buffer.concat([bytes, other]) : Buffer.concat([other, bytes]);
  },
];

/** A distribution with some changes; one in fifty is only random bytes. */
export function mutated(random: Random): Sample {
  const { filename, bytes, pack } = random.pick(CORPUS);
  if (random.below(50) === 0) return { filename, bytes: random.bytes(random.below(2000)) };
  let changed = bytes;
  for (let left = 1 + random.below(MAX_CHANGES); left > 0 && changed.length > 0; left -= 1)
    changed = random.pick(CHANGES)(changed, random);
  if (!pack) return { filename, bytes: changed };
  // A wrong checksum would hide what is wrong behind it.
  return { filename, bytes: pack(random.below(4) === 0 ? changed : withChecksums(changed)) };
}

const BLOCK_BYTES = 512;

/** A tar archive whose headers have the checksums of what they say now. */
function withChecksums(bytes: Buffer): Buffer {
  const mended = Buffer.from(bytes);
  for (let at = 0; at + BLOCK_BYTES <= mended.length; at += BLOCK_BYTES) {
    const header = mended.subarray(at, at + BLOCK_BYTES);
    if (header.toString("latin1", 257, 262) !== "ustar") continue;
    header.fill(" ", 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  }
  return mended;
}
