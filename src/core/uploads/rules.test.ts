import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ValidationError } from "#base/errors.ts";
import {
  checkChunk,
  checkChunkDigest,
  checkComplete,
  continuation,
  missingRanges,
  parseContentRange,
} from "./rules.ts";
import type { Chunk } from "./types.ts";

const says = (detail: unknown) => (error: unknown) => {
  assert.ok(error instanceof ValidationError);
  assert.deepEqual(error.detail, detail);
  return true;
};
const text = (message: string) => says({ non_field_errors: [message] });

test("a content range names its first and last byte", () => {
  assert.deepEqual(parseContentRange("bytes 0-9/10"), { start: 0, end: 9 });
  assert.deepEqual(parseContentRange("bytes 5-5/*"), { start: 5, end: 5 });
  const wrong = [
    undefined,
    "",
    "bytes",
    "bytes 0-9",
    "0-9/10",
    "bytes 9-0/10",
    "bytes -9/10",
    "bytes 0-/10",
    "bytes 0-9/ten",
    "bytes=0-9/10",
    "bytes 0x1-0x9/10",
    "bytes 0-99999999999999999999/*",
    "bytes 0-9/10 ",
    "bytes 0-9/10\nbytes 0-9/10",
  ];
  for (const header of wrong)
    assert.throws(
      () => parseContentRange(header),
      text("Invalid or missing content range header."),
      header,
    );
});

test("a chunk is as long as its header says, and inside the upload", () => {
  checkChunk({ start: 10, end: 19 }, 10, 20);
  assert.throws(
    () => checkChunk({ start: 10, end: 19 }, 9, 20),
    text("Chunk size does not match content range."),
  );
  assert.throws(
    () => checkChunk({ start: 10, end: 20 }, 11, 20),
    text("End byte is greater than upload size."),
  );
  checkChunkDigest("AB", "ab");
  checkChunkDigest(undefined, "ab");
  assert.throws(
    () => checkChunkDigest("aa", "ab"),
    says(["Checksum does not match chunk upload."]),
  );
});

const chunks = fc.array(
  fc.record({ start: fc.nat(60), sizeBytes: fc.integer({ min: 1, max: 20 }) }),
  { maxLength: 12 },
);
const covered = (list: readonly Chunk[]) =>
  new Set(
    list.flatMap(({ start, sizeBytes }) => [...Array(sizeBytes).keys()].map((n) => start + n)),
  );

test("missing ranges are exactly the bytes that no chunk brings", () => {
  fc.assert(
    fc.property(chunks, (list) => {
      const have = covered(list);
      const missing = missingRanges(80, list);
      const lost = covered(
        missing.map(({ start, end }) => ({ start, sizeBytes: end - start + 1 })),
      );
      for (let byte = 0; byte < 80; byte += 1)
        assert.equal(lost.has(byte), !have.has(byte), `${byte}`);
      for (const [index, { start }] of missing.entries())
        assert.ok(index === 0 || start > (missing[index - 1]?.end ?? 0) + 1);
    }),
  );
});

test("a file without holes is put together from overlapping chunks, each byte once", () => {
  fc.assert(
    fc.property(chunks, (list) => {
      let next = 0;
      for (const chunk of list.toSorted((a, b) => a.start - b.start)) {
        if (chunk.start > next) return;
        const part = continuation(chunk, next);
        if (!part) continue;
        assert.equal(chunk.start + part.start, next);
        next = chunk.start + part.end + 1;
      }
      assert.equal(missingRanges(next, list).length, 0);
    }),
  );
});

test("an incomplete upload is told what it lacks", () => {
  checkComplete(10, [
    { start: 5, sizeBytes: 5 },
    { start: 0, sizeBytes: 6 },
  ]);
  checkComplete(0, []);
  assert.throws(
    () =>
      checkComplete(20, [
        { start: 2, sizeBytes: 3 },
        { start: 10, sizeBytes: 1 },
      ]),
    text("The upload is incomplete. Missing bytes: 0-1, 5-9, 11-19."),
  );
  const sparse = [...Array(30).keys()].map((n) => ({ start: n * 2, sizeBytes: 1 }));
  assert.throws(() => checkComplete(60, sparse), /17-17, 19-19 and 20 more\./);
});
