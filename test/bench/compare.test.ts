import assert from "node:assert/strict";
import { test } from "node:test";
import { compare, judge } from "../../bench/compare.ts";
import type { Side } from "../../bench/scenario.ts";

function side(name: string, order: string[], operations = 10): Side {
  return {
    name,
    pids: () => Promise.resolve([]),
    load: (seconds) => {
      order.push(`${name}${seconds}`);
      return Promise.resolve({ operations, seconds, errors: 0 });
    },
  };
}

test("sides are warmed up and then take turns as A B B A", async () => {
  const order: string[] = [];
  const pairing = { name: "x", ours: side("a", order, 30), theirs: side("b", order), goals: [] };
  const goals = [{ measure: "rate", bound: 2, source: "" }] as const;
  const options = { pairs: 3, seconds: 3, warmUpSeconds: 1 };
  const { verdicts } = await compare({ ...pairing, goals }, options);
  assert.deepEqual(order, ["a1", "b1", "a3", "b3", "b3", "a3", "a3", "b3"]);
  assert.equal(verdicts[0]?.value.median, 3);
  assert.equal(verdicts[0]?.passes, true);
});

test("a pairing may ask for more pairs and another length, never for fewer pairs", async () => {
  const order: string[] = [];
  const pairing = { name: "x", ours: side("a", order), theirs: side("b", order), goals: [] };
  const options = { pairs: 2, seconds: 3, warmUpSeconds: 1 };
  await compare({ ...pairing, pairs: 3, seconds: 2 }, options);
  assert.deepEqual(order, ["a1", "b1", "a2", "b2", "b2", "a2", "a2", "b2"]);
  const { ours } = await compare({ ...pairing, pairs: 1 }, options);
  assert.equal(ours.samples.length, 2);
});

test("the unfavourable end of the interval decides", () => {
  const sample = (cpuMs: number) => ({ operations: 1, seconds: 1, errors: 0, cpuMs });
  const ours = [1, 1, 1, 1, 1, 1, 4].map(sample);
  const theirs = [2, 2, 2, 2, 2, 2, 2].map(sample);
  const cpu = judge({ measure: "cpu", bound: 1.5, source: "" }, { ours, theirs });
  assert.equal(cpu.value.median, 2);
  assert.equal(judge({ measure: "cpuMs", bound: 0.9, source: "" }, { ours, theirs }).passes, false);
});

test("errors under load end the comparison", async () => {
  const broken: Side = {
    ...side("broken", []),
    load: () => Promise.resolve({ operations: 1, seconds: 1, errors: 1 }),
  };
  const pairing = { name: "x", ours: broken, theirs: broken, goals: [] };
  await assert.rejects(compare(pairing, { pairs: 1, seconds: 1, warmUpSeconds: 0 }), /1 errors/);
});
