import assert from "node:assert/strict";
import { test } from "node:test";
import { countsAfter, isEmptyChange, normalEdit } from "./rules.ts";

test("counts are those of the predecessor and the change, without zeros", () => {
  const before = { present: { a: 2, b: 1 }, added: { b: 1 }, removed: { a: 9 } };
  const change = [
    { type: "a", added: 3, removed: 0 },
    { type: "b", added: 0, removed: 1 },
    { type: "c", added: 1, removed: 1 },
  ];

  assert.deepEqual(countsAfter(before, change), {
    present: { a: 5 },
    added: { a: 3, c: 1 },
    removed: { b: 1, c: 1 },
  });
});

test("a change is empty when nothing was added or removed", () => {
  assert.ok(isEmptyChange([]));
  assert.ok(!isEmptyChange([{ type: "a", added: 0, removed: 1 }]));
});

test("a unit that is removed and added stays; nothing is named twice", () => {
  assert.deepEqual(normalEdit({ add: ["a", "b", "a"], remove: ["b", "c", "c"] }), {
    add: ["a", "b"],
    remove: ["c"],
  });
  assert.deepEqual(normalEdit({ add: ["a", "a"], remove: "*" }), { add: ["a"], remove: "*" });
});
