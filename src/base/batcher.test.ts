import assert from "node:assert/strict";
import { test } from "node:test";
import { Batcher } from "./batcher.ts";

/** Remembers the batches, each of which waits for a moment. */
function recorded(limits: ConstructorParameters<typeof Batcher>[1]) {
  const batches: (readonly number[])[] = [];
  const batcher = new Batcher<number, number>(async (items) => {
    batches.push(items);
    await new Promise((resolve) => setImmediate(resolve));
    return items.map((item) => item * 2);
  }, limits);
  return { batches, batcher };
}

test("while one batch is under way the next one gathers, up to its limit", async () => {
  const { batches, batcher } = recorded({ most: 2 });

  const results = await Promise.all([1, 2, 3, 4].map((item) => batcher.add(item)));

  assert.deepEqual(results, [2, 4, 6, 8]);
  assert.deepEqual(batches, [[1], [2, 3], [4]]);
});

test("what arrives in one turn is one batch where batches gather", async () => {
  const { batches, batcher } = recorded({ most: 10, gathers: true });

  await Promise.all([1, 2, 3, 4].map((item) => batcher.add(item)));
  await batcher.add(5);

  assert.deepEqual(batches, [[1, 2, 3, 4], [5]]);
});

test("a batch that fails fails each of its items, and no other", async () => {
  const batcher = new Batcher<number, number>(
    async (items) => {
      if (items.includes(1)) throw new Error("no");
      return items;
    },
    { most: 1 },
  );

  const [first, second] = await Promise.allSettled([batcher.add(1), batcher.add(2)]);

  assert.deepEqual([first?.status, second?.status], ["rejected", "fulfilled"]);
});
