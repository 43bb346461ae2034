import assert from "node:assert/strict";
import { test } from "node:test";
import { UnknownDocument, yanksIn } from "./rules.ts";

const file = (yanked: boolean, yanked_reason: string | null = null) => ({ yanked, yanked_reason });

test("a release is yanked if it has files and all of them are", () => {
  const releases = {
    "1.0": [file(true), file(true, ""), file(true, "broken"), file(true, "other")],
    "1.1": [file(true, "broken"), file(false)],
    "1.2": [],
    "1.3": [file(true)],
    "1.4": [file(false)],
  };
  const yanks = yanksIn({ releases }, ["1.0", "1.1", "1.2", "1.3", "1.4", "1.5"]);
  assert.deepEqual(
    [...yanks],
    [
      ["1.0", "broken"],
      ["1.3", null],
    ],
  );
});

test("versions are compared and not their spellings", () => {
  const releases = { "1.0rc1": [file(true)], "2.0": [file(true)], "2.0.0": [file(false)] };
  assert.deepEqual([...yanksIn({ releases }, ["1-RC1", "2"]).keys()], ["1-RC1"]);
});

test("a document of another shape is refused", () => {
  for (const document of [undefined, null, [], {}, { releases: [] }, { releases: { 1: {} } }])
    assert.throws(() => yanksIn(document, ["1"]), UnknownDocument, JSON.stringify(document));
  assert.throws(() => yanksIn({ releases: { 1: [7] } }, []), UnknownDocument);
});
