import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Batcher } from "#base/batcher.ts";
import { Budget } from "#core/sync/budget.ts";
import { inBatches } from "#core/sync/commands.ts";
import { Crew } from "#core/sync/crew.ts";

const never = new AbortController().signal;

test("a budget bounds bytes and number, and lets one giant pass alone", async () => {
  const budget = new Budget(100, 3);
  const order: string[] = [];
  const take = async (name: string, bytes: number) => {
    await budget.take(bytes, never);
    order.push(name);
  };

  await take("a", 60);
  const giant = take("giant", 500);
  await sleep(5);
  assert.deepEqual(order, ["a"]);
  budget.give(60);
  await giant;
  const small = [take("b", 1), take("c", 1), take("d", 1), take("e", 1)];
  await sleep(5);
  assert.deepEqual(order, ["a", "giant"]);
  budget.give(500);
  await Promise.all(small.slice(0, 3));
  assert.deepEqual(order, ["a", "giant", "b", "c", "d"]);
  budget.give(1);
  await small[3];
});

test("waiting for a budget ends with its signal", async () => {
  const budget = new Budget(1, 1);
  const abort = new AbortController();
  await budget.take(1, abort.signal);

  const waiting = budget.take(1, abort.signal);
  abort.abort(new Error("enough"));

  await assert.rejects(waiting, { message: "enough" });
  await assert.rejects(budget.take(0, abort.signal), { message: "enough" });
});

test("items gather while a batch is worked on, and each gets its own result", async () => {
  const batches: number[][] = [];
  const batcher = new Batcher<number, number>(
    async (items) => {
      batches.push([...items]);
      await sleep(5);
      return items.map((item) => item * 2);
    },
    { most: 3 },
  );

  const results = await Promise.all([1, 2, 3, 4, 5, 6].map((item) => batcher.add(item)));

  assert.deepEqual(results, [2, 4, 6, 8, 10, 12]);
  assert.deepEqual(batches, [[1], [2, 3, 4], [5, 6]]);
});

test("as many batches are worked on at once as may be", async () => {
  const batches: number[][] = [];
  const limits = { most: 3, atOnce: 2 };
  let running = 0;
  let mostRunning = 0;
  const batcher = new Batcher<number, number>(async (items) => {
    batches.push([...items]);
    running += 1;
    mostRunning = Math.max(mostRunning, running);
    await sleep(5);
    running -= 1;
    return items;
  }, limits);

  const items = [1, 2, 3, 4, 5, 6, 7, 8];
  assert.deepEqual(await Promise.all(items.map((item) => batcher.add(item))), items);
  assert.deepEqual(batches, [[1], [2], [3, 4, 5], [6, 7, 8]]);
  assert.equal(mostRunning, 2);
});

test("a batch that fails fails its items, and the next one is worked on", async () => {
  let turn = 0;
  const batcher = new Batcher<number, number>(
    async (items) => {
      turn += 1;
      if (turn === 1) throw new Error("first");
      return items;
    },
    { most: 10 },
  );

  const results = await Promise.allSettled([batcher.add(1), batcher.add(2)]);

  assert.deepEqual(
    results.map(({ status }) => status),
    ["rejected", "fulfilled"],
  );
});

test("the first failure of a crew ends the others, and nothing is left running", async () => {
  let ended = 0;
  await assert.rejects(
    async () => {
      await using crew = new Crew(never);
      for (let index = 0; index < 3; index += 1)
        crew.start(async () => {
          await sleep(60_000, undefined, { signal: crew.signal }).finally(() => {
            ended += 1;
          });
        });
      crew.start(async () => {
        throw new Error("first");
      });
      await crew.settle();
    },
    { message: "first" },
  );
  assert.equal(ended, 3);
});

test("a crew that is left early is ended and waited for", async () => {
  let isAborted = false;
  {
    await using crew = new Crew(never);
    crew.start(async () => {
      await sleep(60_000, undefined, { signal: crew.signal }).catch(() => {
        isAborted = true;
      });
    });
  }
  assert.ok(isAborted);
});

test("pieces of any size become batches", async () => {
  async function* pieces() {
    yield [1, 2, 3, 4, 5];
    yield [];
    yield [6];
    yield [7];
  }

  const batches: number[][] = [];
  for await (const batch of inBatches(pieces(), 3)) batches.push(batch);

  assert.deepEqual(batches, [[1, 2, 3], [4, 5, 6], [7]]);
});
