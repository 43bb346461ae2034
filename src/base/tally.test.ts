import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Tally } from "./tally.ts";

interface Count {
  readonly key: string;
  readonly n: number;
}

function createTally(pauseMs: number, most = 10) {
  const written: (readonly Count[])[] = [];
  const state = { failures: 0, isFailing: false };
  const tally = new Tally<Count>({
    ...{ pauseMs, most },
    sum: ({ key, n }, more) => ({ key, n: n + more.n }),
    async write(entries) {
      if (state.isFailing) throw new Error("away");
      written.push(entries);
    },
    failed: () => {
      state.failures += 1;
    },
  });
  const add = (key: string, n = 1) => tally.add(key, { key, n });
  return { tally, written, state, add };
}

test("counts of a key are written once, together, after a while or at the end", async () => {
  const { tally, written, add } = createTally(5);
  for (const key of ["a", "b", "a"]) add(key);
  assert.deepEqual(written, []);
  while (written.length === 0) await sleep(5);
  assert.deepEqual(written, [
    [
      { key: "a", n: 2 },
      { key: "b", n: 1 },
    ],
  ]);
  add("c");
  await tally.close();
  await tally.close();
  assert.deepEqual(written.slice(1), [[{ key: "c", n: 1 }]]);
});

test("what could not be written comes with the next; what is too much is told", async () => {
  const { tally, written, state, add } = createTally(60_000, 2);
  state.isFailing = true;
  add("a");
  await tally.close();
  state.isFailing = false;
  for (const key of ["a", "b", "c"]) add(key);
  await tally.close();
  assert.deepEqual(written, [
    [
      { key: "a", n: 2 },
      { key: "b", n: 1 },
    ],
  ]);
  assert.deepEqual([state.failures, tally.lost], [1, 1]);
});
