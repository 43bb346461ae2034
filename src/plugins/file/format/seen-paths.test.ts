import assert from "node:assert/strict";
import { test } from "node:test";
import { SeenPaths } from "./seen-paths.ts";

test("each path keeps its first mark, however many there are", () => {
  const seen = new SeenPaths();
  for (let index = 1; index <= 20_000; index += 1)
    assert.equal(seen.note(`path ${index}`, index), undefined);

  for (let index = 1; index <= 20_000; index += 1)
    assert.equal(seen.note(`path ${index}`, 4_294_967_295), index);
  assert.equal(seen.note("path 0", 7), undefined);
  assert.equal(seen.note("path 0", 8), 7);
});
