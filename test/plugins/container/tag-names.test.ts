import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Place } from "#plugins/container/registry/places.ts";
import { linesAfter } from "#plugins/container/registry/sorted-lines.ts";
import { TagNames } from "#plugins/container/registry/tag-names.ts";

const linesOf = (names: readonly string[]) =>
  Buffer.from(names.map((name) => `${name}\n`).join(""));
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

test("lines after a text are those that a search through all of them finds", () => {
  const names = Array.from({ length: 300 }, (_, n) => `t${(n * 7919) % 1000}`).sort(byBytes);
  const lines = linesOf(names);
  const texts = ["", "s", "t", "t1", "t10", "t100", "t5x", "t999", "t9999", "u", "é", ...names];

  for (const text of texts) {
    for (const limit of [1, 2, 1000]) {
      const expected = names.filter((name) => byBytes(name, text) > 0).slice(0, limit);
      assert.deepEqual(linesAfter(lines, text, limit), expected, text);
    }
  }
  assert.deepEqual(linesAfter(Buffer.alloc(0), "", 5), []);
  assert.deepEqual(linesAfter(linesOf(["only"]), "", 0), []);
});

const placeOf = (id: string) =>
  ({ domain: { num: 1 }, version: { id, repository: 1, number: 1 } }) as unknown as Place;

/** A database that has these names in each version, or too many. */
function createNames(names: readonly string[], { budget = 10_000, count = names.length } = {}) {
  const asked: string[] = [];
  const query = async (statement: { name: string }, values: readonly unknown[]) => {
    asked.push(statement.name);
    await turn();
    if (statement.name === "registry tags") {
      const after = names.filter((name) => name > String(values[2]));
      return after.slice(0, Number(values[3])).map((name) => ({ name }));
    }
    return [{ count, names: names.length === 0 || count > 200_000 ? null : names.join("\n") }];
  };
  return { tags: new TagNames({ hot: { query } } as never, budget), asked };
}

test("a version is read once, however many ask and whatever for", async () => {
  const { tags, asked } = createNames(["a", "b", "c"]);
  const after = (last: string, limit = 2) => tags.after(placeOf("v"), { last, limit });

  assert.deepEqual(await Promise.all([after(""), after("a"), after("b", 9)]), [
    ...[["a", "b"], ["b", "c"], ["c"]],
  ]);
  assert.deepEqual(await after("c"), []);
  assert.equal(asked.length, 1);
  assert.deepEqual(
    await tags.after({ ...placeOf("v"), version: null }, { last: "", limit: 1 }),
    [],
  );
});

test("what does not fit is read again, and too many names are asked for page by page", async () => {
  const small = createNames(["a".repeat(1000)], { budget: 3200 });
  for (const id of ["1", "2", "1", "3", "1", "2"]) {
    await small.tags.after(placeOf(id), { last: "", limit: 1 });
    assert.ok(small.tags.bytes <= 3200);
  }
  assert.equal(small.asked.length, 4);

  const none = createNames(["a"], { budget: 0 });
  await none.tags.after(placeOf("1"), { last: "", limit: 1 });
  await none.tags.after(placeOf("1"), { last: "", limit: 1 });
  assert.deepEqual([none.asked.length, none.tags.bytes], [2, 0]);

  const many = createNames(["a", "b"], { count: 200_001 });
  assert.deepEqual(await many.tags.after(placeOf("1"), { last: "a", limit: 1 }), ["b"]);
  assert.deepEqual(await many.tags.after(placeOf("1"), { last: "", limit: 1 }), ["a"]);
  assert.deepEqual(many.asked, [
    ...["registry tag names of a version", "registry tags", "registry tags"],
  ]);

  const empty = createNames([]);
  assert.deepEqual(await empty.tags.after(placeOf("1"), { last: "", limit: 1 }), []);
});
