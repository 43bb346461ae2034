import assert from "node:assert/strict";
import { test } from "node:test";
import { ValidationError } from "#base/errors.ts";
import { together } from "#core/together.ts";
import type { Ctx } from "#sdk";

const contextOf = () => ({ hot: { query: async () => [] } }) as unknown as Ctx;

/** Doubles numbers; refuses batches with a negative one, and breaks on zero. */
function doubler() {
  const batches: (readonly number[])[] = [];
  const double = together<number, number>(async (_ctx, numbers) => {
    batches.push(numbers);
    await new Promise((resolve) => setImmediate(resolve));
    if (numbers.includes(0)) throw new Error("the connection is lost");
    if (numbers.some((each) => each < 0)) throw new ValidationError({ number: ["negative"] });
    return numbers.map((each) => 2 * each);
  });
  return { batches, double };
}

/** The first comes alone, the others while it is worked on. */
async function settledInTurn(
  double: (ctx: Ctx, number: number) => Promise<number>,
  [head = 0, ...others]: readonly number[],
) {
  const ctx = contextOf();
  const first = double(ctx, head);
  await new Promise((resolve) => setImmediate(resolve));
  return Promise.allSettled([first, ...others.map((each) => double(ctx, each))]);
}

test("what comes while others are worked on goes together, and each gets its own result", async () => {
  const { batches, double } = doubler();

  const settled = await settledInTurn(double, [1, 2, 3, 4]);

  assert.deepEqual(
    settled.map((each) => each.status === "fulfilled" && each.value),
    [2, 4, 6, 8],
  );
  assert.deepEqual(batches, [[1], [2, 3, 4]]);
});

test("one that is refused is refused alone", async () => {
  const { batches, double } = doubler();

  const settled = await settledInTurn(double, [1, 2, -3, 4]);

  assert.deepEqual(
    settled.map(({ status }) => status),
    ["fulfilled", "fulfilled", "rejected", "fulfilled"],
  );
  assert.deepEqual(batches, [[1], [2, -3, 4], [2], [-3], [4]]);
});

test("after a lost connection nothing is done twice", async () => {
  const { batches, double } = doubler();

  const settled = await settledInTurn(double, [1, 2, 0, 4]);

  assert.deepEqual(
    settled.map(({ status }) => status),
    ["fulfilled", "rejected", "rejected", "rejected"],
  );
  assert.equal(batches.length, 2);
});

test("databases have batches of their own", async () => {
  const { batches, double } = doubler();
  const [first, second] = [contextOf(), contextOf()];

  await Promise.all([double(first, 1), double(second, 2), double(first, 3)]);

  assert.deepEqual(batches, [[1, 3], [2]]);
});
