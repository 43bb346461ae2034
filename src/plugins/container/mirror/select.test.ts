import assert from "node:assert/strict";
import { test } from "node:test";
import { companionSubject, selectTags } from "./select.ts";

const hex = "ab".repeat(32);
const all = ["latest", "1.0", "1.1", `sha256-${hex}.sig`, `sha256-${hex}`, "2.0-rc"];

test("without filters all tags are taken as they are", () => {
  assert.deepEqual(selectTags(all, { includes: [], excludes: [] }), {
    tags: all,
    digests: [],
    companions: [],
  });
});

test("excludes come after includes; companions wait for what they are about", () => {
  assert.deepEqual(selectTags(all, { includes: ["1.*", "lat*"], excludes: ["*.1"] }), {
    tags: ["latest", "1.0"],
    digests: [],
    companions: [`sha256-${hex}.sig`, `sha256-${hex}`],
  });
});

test("digests of the includes are taken without a tag, also beside globs", () => {
  const digest = `sha256:${hex}`;
  assert.deepEqual(selectTags(all, { includes: [digest], excludes: [] }).tags, []);
  const both = selectTags(all, { includes: [digest, "1.0", digest], excludes: ["sha256-*"] });
  assert.deepEqual(both, { tags: ["1.0"], digests: [digest], companions: [] });
});

test("only excludes take everything else but companions", () => {
  const { tags } = selectTags(all, { includes: [], excludes: ["2*"] });
  assert.deepEqual(tags, ["latest", "1.0", "1.1"]);
});

test("a companion says what it is about", () => {
  assert.equal(companionSubject(`sha256-${hex}.att`), `sha256:${hex}`);
  assert.equal(companionSubject(`sha256-${hex}`), `sha256:${hex}`);
  assert.equal(companionSubject("sha256-12"), undefined);
});
