import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readHeaders } from "./headers.ts";
import { Malformed } from "./malformed.ts";

const read = (text: string | Buffer) => {
  const { fields, body } = readHeaders(Buffer.from(text));
  return { fields: Object.fromEntries(fields), body };
};

const cases: Readonly<Record<string, readonly [text: string, fields: object, body: string]>> = {
  "fields and a body": ["A: 1\nb:2\n\nbody\n\nmore", { a: ["1"], b: ["2"] }, "body\n\nmore"],
  "names in any case, values in order": ["X: 1\nx: 2\n", { x: ["1", "2"] }, ""],
  "each kind of line end": [
    "A: 1\r\nB: 2\rC: 3\n\r\nbody\r\n",
    { a: ["1"], b: ["2"], c: ["3"] },
    "body\r\n",
  ],
  "lines that go on": ["A: 1\n  2\r\n\t3\nB:\n 4", { a: ["1\n  2\r\n\t3"], b: ["\n 4"] }, ""],
  "a line that is no field begins the body": [
    "A: 1\nno field\nB: 2\n",
    { a: ["1"] },
    "no field\nB: 2\n",
  ],
  "a space before the colon is no field": ["A : 1\n", {}, "A : 1\n"],
  "lines that mail programs drop": ["From x\n lost\n: none\nA: 1", { a: ["1"] }, ""],
  "an empty text": ["", {}, ""],
  "only a body": ["\nA: 1", {}, "A: 1"],
  "a byte order mark": ["\ufeffA: 1", { a: ["1"] }, ""],
  NUL: ["A: 1\0\n\nb\0", { a: ["1\ufffd"] }, "b\ufffd"],
  "a name that objects have": [
    "__proto__: 1\nconstructor: 2",
    { ["__proto__"]: ["1"], constructor: ["2"] },
    "",
  ],
};

for (const [name, [text, fields, body]] of Object.entries(cases)) {
  test(`reads ${name}`, () => {
    assert.deepEqual(read(text), { fields, body });
  });
}

test("each part that is not UTF-8 is Latin-1", () => {
  const bytes = Buffer.concat([
    Buffer.from("A: é\nB: "),
    Buffer.from([0xe9, 0xff, 0x0a, 0x0a]),
    Buffer.from("body \u{1f40d}"),
  ]);
  assert.deepEqual(read(bytes), { fields: { a: ["é"], b: ["éÿ"] }, body: "body \u{1f40d}" });
});

test("there may be 100 000 fields", () => {
  assert.equal(readHeaders(Buffer.from("A:\n".repeat(100_000))).fields.get("a")?.length, 100_000);
  assert.throws(() => readHeaders(Buffer.from("A:\n".repeat(100_001))), Malformed);
});

test("whatever the bytes are, they are read", () => {
  const piece = fc.constantFrom("Name: a", "\n", "\r", "\n ", ":", "From ", "\0", "é", " \t", "x");
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string())), fc.uint8Array(), (pieces, junk) => {
      const { body } = readHeaders(Buffer.concat([Buffer.from(pieces.join("")), junk]));
      return typeof body === "string";
    }),
  );
});
