import assert from "node:assert/strict";
import { test } from "node:test";
import { overtakings, type Told } from "../../tools/chaos/tasks/order.ts";

const at = (second: number): string =>
  `2026-01-01T00:00:${String(second).padStart(2, "0")}.000000Z`;

/** A task that was accepted, began and ended at these seconds. */
const task = (
  name: string,
  resources: readonly string[],
  [created, started, finished]: readonly [number, number | null, number | null],
): Told => ({
  ...{ pulp_href: name, name, state: "completed", error: null, created_resources: [] },
  pulp_created: at(created),
  started_at: started === null ? null : at(started),
  finished_at: finished === null ? null : at(finished),
  reserved_resources_record: resources,
});

const found = (...tasks: readonly Told[]) => overtakings(tasks.toReversed()).findings;

test("tasks that keep their order are sound, and readers run together", () => {
  const order = overtakings([
    task("read", ["shared:r"], [1, 2, 9]),
    task("read too", ["shared:r"], [2, 2, 5]),
    task("write", ["r"], [3, 9, 10]),
    task("read late", ["shared:r"], [4, 10, 11]),
    task("elsewhere", ["s"], [5, 5, 6]),
  ]);
  assert.deepEqual(order, { compared: 2, findings: [] });
});

test("whoever overtakes is found", () => {
  const writer = task("write", ["r"], [1, 2, 8]);
  assert.match(
    found(writer, task("read", ["shared:r"], [2, 7, 9])).join(),
    /^read started before write/,
  );
  assert.match(found(writer, task("next", ["r"], [2, 1, 9])).join(), /^next started before write/);
  const slow = [task("slow", ["shared:r"], [1, 2, 20]), task("fast", ["shared:r"], [2, 2, 3])];
  assert.match(found(...slow, task("write", ["r"], [3, 4, 5])).join(), /started before slow/);
  const open = task("open", ["r"], [1, 2, null]);
  assert.equal(found(open, task("next", ["r"], [2, 3, 4])).length, 1);
});

test("a waiting writer is not overtaken by readers, even if it is cancelled", () => {
  const waiting = task("write", ["r"], [1, null, 6]);
  assert.equal(found(waiting, task("read", ["shared:r"], [2, 5, 7])).length, 1);
  assert.equal(found(waiting, task("read", ["shared:r"], [2, 6, 7])).length, 0);
});
