import assert from "node:assert/strict";
import { test } from "node:test";
import { key128 } from "#base/digests.ts";
import type { ContentType } from "../plugin-contract.ts";
import { prepareUnits, slotOf, sourceDiffers } from "./rules.ts";

const type: ContentType = {
  family: "content",
  type: "zoo.file",
  model: "zoo.File",
  path: "content/zoo/files",
  table: "zoo_file",
  naturalKey: ({ name }) => [String(name)],
  slot: ({ name, arch }) => [String(name), ...(arch ? [String(arch)] : [])],
  slotIsPath: false,
  reclaimable: true,
};

test("a slot is the path itself, or a key of the type and its texts", () => {
  const { slot: _, ...unruled } = type;

  assert.equal(slotOf({ ...type, slotIsPath: true }, { name: "a/b" }), key128("a/b"));
  assert.equal(slotOf(unruled, { name: "a" }), null);
  assert.notEqual(slotOf(type, { name: "a", arch: "b" }), slotOf(type, { name: "ab" }));
  assert.notEqual(slotOf(type, { name: "a" }), slotOf({ ...type, type: "zoo.x" }, { name: "a" }));
});

test("equal units are one, in the order of their keys, with the files of all", () => {
  const remote = "r";
  const file = (artifact: string | null, url?: string) => ({
    relativePath: "f",
    artifact,
    ...(url ? { source: { remote, url } } : {}),
  });

  const { prepared, keys } = prepareUnits(type, [
    { row: { name: "b" }, files: [file(null, "http://up.test/f")] },
    { row: { name: "a" }, files: [] },
    { row: { name: "b" }, files: [file("artifact")] },
  ]);

  assert.equal(prepared.length, 2);
  assert.equal(keys[0], keys[2]);
  assert.deepEqual(
    prepared.map(({ hex }) => hex),
    [...new Set(keys)].sort(),
  );
  const both = prepared.find(({ hex }) => hex === keys[0]);
  assert.equal(both?.first, 0);
  assert.ok(both?.files.every(({ artifact }) => artifact === "artifact"));
  assert.deepEqual(
    both?.files.flatMap(({ source }) => (source ? [source.url] : [])),
    ["http://up.test/f"],
  );
});

test("facts that are not given are no news", () => {
  const known = {
    remote: "r",
    url: "u",
    size: 3,
    sha256: Buffer.from("ab", "hex"),
    otherDigests: { md5: "d" },
  };
  const source = { remote: "r", url: "u" };

  assert.equal(sourceDiffers(source, known), false);
  assert.equal(sourceDiffers({ ...source, size: 3, sha256: "ab" }, known), false);
  assert.equal(sourceDiffers({ ...source, otherDigests: { md5: "d" } }, known), false);
  assert.equal(sourceDiffers({ ...source, url: "v" }, known), true);
  assert.equal(sourceDiffers({ ...source, size: 4 }, known), true);
  assert.equal(sourceDiffers({ ...source, sha256: "cd" }, known), true);
  assert.equal(sourceDiffers({ ...source, otherDigests: { sha1: "d" } }, known), true);
  assert.equal(sourceDiffers(source, undefined), true);
});
