import assert from "node:assert/strict";
import { test } from "node:test";
import { Malformed } from "../malformed.ts";
import { bufferSource } from "./byte-source.ts";
import { bunzipped } from "./bzip2.ts";

/** What the reference implementation makes of the texts below. */
const EMPTY = "QlpoORdyRThQkAAAAAA=";
const HELLO = "QlpoMTFBWSZTWeW18wkAAARRAAAQQAACRKAAIbUYDAKQacKjC7kinChIctr5hIA=";
const RUNS =
  "QlpoOTFBWSZTWfqotSEAAxTRAOAABAA+AAAIIABQgyYgRU9TQ9SgIDIoIDz0AQG2ep11jnW2Nd5HQCA7nxdyRThQ" +
  "kPqotSE=";
const ALL =
  "QlpoOTFBWSZTWeWjwewAAAH/////////////////////////////////////////////wAIcAAEmAAmAAJgAAAAA" +
  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAkwAEwABMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEmAAmAAJgAA" +
  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAFVVQEwEwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAD+kBIE" +
  "QMghBT/iDEHIQQkhRCyGH/kNIcQ8iBESJETIoRUixFyMEZI0RsjhHSPEfJASEkRIySElJMSclBKSVErJYS0lxLyY" +
  "ExJkTMmhNSbE3JwTknROyeE9J8T8oBQShFDKIUUoxRykFJKUUsphTSnFPKgVEqRUyqFVKsVcrBWStFbK4V0rxXyw" +
  "FhLEWMshZSzFnLQWktRay2FtLcW8uBcS5FzLoXUuxdy8F5L0XsvhfS/F/MAYEwRgzCGFMMYcxBiTFGLMYY0xxjzI" +
  "GRMkZMyhlTLGXMwZkzRmzOGdM8Z80BoTRGjNIaU0xpzUGpNUas1hrTXGvNgbE2RszaG1Nsbc3BuTdG7N4b03xvzg" +
  "HBOEcM4hxTjHHOQck5RyzmHNOcc86B0TpHTOodU6x1zsHZO0ds7h3TvHfPAeE8R4zyHlPMec9B6T1HrPYe09x7z4" +
  "HxPkfM+h9T7H3Pwfk/R+z+H9P8LuSKcKEhy0eD2A";
const ZEROS = "QlpoMTFBWSZTWaZFgLIAFvpACMAAQAAACCAAMMwJqmmpAi2pIEXi7kinChIUyLAWQA==";
const DIGITS =
  "QlpoMTFBWSZTWUqP/6UAE4cIAH/gIABwQAwClUMJnFQVHlUFR6qCo+VBUYVBUZVBUaVBUbVBUfqgqOKgqOmKCsky" +
  "mshsH97gAThwQAP/AQADggBgFKoYTOKgqPFQVHtUFR8qCowqCoyqCo0qCo2qCo/VBUcVBUdMUFZJlNZfmT3JgATi" +
  "wgAf+AgAGoKVCaGBSqGCblIVGKQqMZpCo0UKjBQqMlCo0UKjZQqPyhUcKFR0XckU4UJBPXP4LA==";
const LONG =
  "QlpoOTFBWSZTWesQOo8AHUuIAH/gIABgKVQwmEAMOCiSvBRJXookr4USVgUSVkUSVoUSVsUSV+KJK4KJK6LuSKcK" +
  "Eh1iB1Hg";

const packed = (base64: string): Buffer => Buffer.from(base64, "base64");

async function unpack(bytes: Buffer): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of bunzipped(bufferSource(bytes))) {
    assert.ok(piece.length <= 64 * 1024);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

const runs = [
  ["a", 3],
  ["b", 4],
  ["c", 5],
  ["d", 259],
  ["e", 260],
  ["\0", 100_000],
] as const;
const allBytes = Buffer.from(Array.from({ length: 1024 }, (_, at) => at % 256));

const texts: Readonly<Record<string, readonly [packed: string, unpacked: Buffer]>> = {
  "an empty text": [EMPTY, Buffer.alloc(0)],
  "a short text": [HELLO, Buffer.from("hello hello hello\n")],
  "runs of many lengths": [RUNS, Buffer.from(runs.map(([c, n]) => c.repeat(n)).join(""))],
  "every byte": [ALL, allBytes],
  "millions of zeros": [ZEROS, Buffer.alloc(3_000_000)],
  "several blocks": [DIGITS, Buffer.from("0123456789".repeat(25_000))],
};

for (const [name, [base64, text]] of Object.entries(texts)) {
  test(`unpacks ${name}`, async () => {
    assert.ok((await unpack(packed(base64))).equals(text));
  });
}

test("unpacks streams one after the other, more than are held at once", async () => {
  const count = 80_000;
  const streams = Buffer.concat(Array.from({ length: count }, () => packed(HELLO)));
  assert.equal((await unpack(streams)).length, 18 * count);
});

test("a stream that is cut off or differs in a bit is refused, or gives the same", async () => {
  const good = packed(HELLO);
  const text = await unpack(good);
  for (let length = 0; length < good.length; length += 1)
    await assert.rejects(unpack(good.subarray(0, length)), { name: "Malformed" });
  let refusals = 0;
  for (let bit = 0; bit < good.length * 8; bit += 1) {
    const bad = Buffer.from(good);
    bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
    const outcome = await unpack(bad).catch((error: unknown) => error);
    if (Buffer.isBuffer(outcome)) assert.deepEqual(outcome, text);
    else if (outcome instanceof Malformed) refusals += 1;
    else throw outcome;
  }
  // The level is a bound, and codes of symbols that do not occur may be of any length.
  assert.ok(refusals > good.length * 7);
});

const refused: Readonly<Record<string, readonly [Buffer, RegExp]>> = {
  nothing: [Buffer.alloc(0), /cut off/],
  "another kind of file": [Buffer.from("PK\x03\x04 and more"), /no bzip2 stream/],
  "level 0": [Buffer.from("BZh0 and more"), /no bzip2 stream/],
  "something behind it": [Buffer.concat([packed(HELLO), Buffer.from("tail")]), /something else/],
  "zeros behind it": [Buffer.concat([packed(HELLO), Buffer.alloc(10)]), /something else/],
  "no block": [Buffer.concat([Buffer.from("BZh9"), Buffer.alloc(30)]), /no block in it/],
  "a block longer than its level": [
    Buffer.concat([Buffer.from("BZh1"), packed(LONG).subarray(4)]),
    /longer than it may be/,
  ],
};

for (const [name, [bytes, message]] of Object.entries(refused)) {
  test(`refuses ${name}`, async () => {
    await assert.rejects(unpack(bytes), { name: "Malformed", message });
  });
}
