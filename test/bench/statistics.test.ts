import assert from "node:assert/strict";
import { test } from "node:test";
import { bootstrapMedian, median, mulberry32 } from "../../bench/statistics.ts";

test("the median of odd and even counts", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.throws(() => median([]));
});

test("the interval holds the median, narrows with agreement and repeats", () => {
  const random = mulberry32(1);
  const noisy = Array.from({ length: 15 }, () => 1 + random());
  const interval = bootstrapMedian(noisy);
  assert.ok(interval.low <= interval.median && interval.median <= interval.high);
  assert.deepEqual(bootstrapMedian(noisy), interval);
  const same = bootstrapMedian([2, 2, 2, 2, 2, 2, 2]);
  assert.deepEqual(same, { median: 2, low: 2, high: 2 });
});
