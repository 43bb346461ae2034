import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isRelativePath } from "#base/paths.ts";
import { type ManifestEntry, ManifestReader, manifestLine } from "./manifest.ts";

const digest = "a".repeat(64);
const read = (text: string | Buffer, chunkBytes = 65_536): ManifestEntry[] => {
  const reader = new ManifestReader("http://up/PULP_MANIFEST");
  const bytes = Buffer.from(text);
  const entries: ManifestEntry[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes)
    entries.push(...reader.push(bytes.subarray(at, at + chunkBytes)));
  return [...entries, ...reader.end()];
};

test("reads lines, splitting from the right and leaving out blanks, comments and repetitions", () => {
  const text = `\ufeff# made by hand\n\n a/b, c.txt ,${digest.toUpperCase()}, 7 \r\nd,${digest},0\nd,${digest},0\n#x\ne,${digest},1`;

  assert.deepEqual(read(text), [
    { relativePath: "a/b, c.txt", sha256: digest, sizeBytes: 7 },
    { relativePath: "d", sha256: digest, sizeBytes: 0 },
    { relativePath: "e", sha256: digest, sizeBytes: 1 },
  ]);
});

test("an empty manifest has no entries", () => {
  assert.deepEqual(read(""), []);
  assert.deepEqual(read("\n\n# nothing\n"), []);
});

test("a bad line names the manifest, the line and the format", () => {
  assert.throws(() => read(`ok,${digest},1\n\nbad line\n`), {
    message:
      "Error: Parsing of the manifest file failed on line:3.\n" +
      "Please make sure the remote URL is pointing to a valid manifest file.\n" +
      "The manifest file should be composed of lines in the following format: <relative_path>,<digest>,<size>.\n" +
      "Manifest: http://up/PULP_MANIFEST; a line has three fields.",
  });
});

test("paths, digests and sizes are checked, and lines are bounded", () => {
  const bad: readonly (readonly [string | Buffer, RegExp])[] = [
    [`/abs,${digest},1`, /canonical/],
    [`a//b,${digest},1`, /canonical/],
    [`../up,${digest},1`, /canonical/],
    [`a/./b,${digest},1`, /canonical/],
    [`dir/,${digest},1`, /canonical/],
    [`,${digest},1`, /canonical/],
    [`a\tb,${digest},1`, /canonical/],
    [`${"p".repeat(2049)},${digest},1`, /canonical/],
    [`a,${digest.slice(1)},1`, /SHA-256/],
    [`a,${"g".repeat(64)},1`, /SHA-256/],
    [`a,${"a".repeat(32)},1`, /SHA-256/],
    [`a,${digest},`, /size/],
    [`a,${digest},-1`, /size/],
    [`a,${digest},1e3`, /size/],
    [`a,${digest},9007199254740993`, /size/],
    [`a,${digest}`, /three fields/],
    [",", /three fields/],
    [`a,${digest},1\na,${"b".repeat(64)},1`, /listed before/],
    [`a,${digest},1\na,${digest},2`, /listed before/],
    ["x".repeat(100_000), /too long/],
    [`# ${"x".repeat(5000)}\n`, /too long/],
    [Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(`,${digest},1`)]), /UTF-8/],
  ];

  for (const [text, reason] of bad)
    assert.throws(
      () => read(text),
      { code: "manifest_line", message: reason },
      String(text).slice(0, 80),
    );
});

const entries = fc.uniqueArray(
  fc.record({
    relativePath: fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 40 })
      .filter((path) => isRelativePath(path) && path.trim() === path && !path.startsWith("#"))
      .filter((path) => !path.startsWith("\ufeff")),
    sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
    sizeBytes: fc.maxSafeNat(),
  }),
  { selector: ({ relativePath }) => relativePath },
);

test("what is written is read again, however the bytes are cut", () => {
  fc.assert(
    fc.property(entries, fc.integer({ min: 1, max: 300 }), (list, chunkBytes) => {
      const text = list.map(manifestLine).join("");
      assert.deepEqual(
        read(text, chunkBytes),
        list.map((entry) => ({ ...entry })),
      );
    }),
  );
});

test("any bytes give entries or the one error, never something else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
      try {
        for (const { relativePath } of read(Buffer.from(bytes)))
          assert.ok(isRelativePath(relativePath));
      } catch (error) {
        assert.equal((error as { code?: string }).code, "manifest_line");
      }
    }),
  );
});
