import assert from "node:assert/strict";
import { test } from "node:test";
import type { Ctx } from "#core/ctx.ts";
import { lockKeys } from "#core/tasks/lock-scripts.ts";
import { ShownLocks } from "#core/tasks/shown-locks.ts";

/** Locks over a Redis that may be away. */
function createWorld() {
  const state = { isAway: false };
  const run: string[] = [];
  const ctx = {
    settings: { WORKER_TYPE: "redis", WORKER_TTL: 30 },
    log: { debug: () => undefined },
    redis: {
      run: async ({ name }: { name: string }, keys: readonly string[], [owner]: string[]) => {
        assert.equal(keys[0], lockKeys.activeOwners);
        if (state.isAway) throw new Error("away");
        run.push(`${name} ${owner}`);
      },
    },
  } as unknown as Ctx;
  return { locks: new ShownLocks(ctx), state, run };
}

test("an owner that Redis could not be told of is taken back with the next beat", async () => {
  const { locks, state, run } = createWorld();
  state.isAway = true;
  locks.hide("a-worker");
  await locks.settled();
  locks.renew();
  await locks.settled();
  assert.deepEqual(run, []);

  state.isAway = false;
  locks.renew();
  await locks.settled();
  assert.deepEqual(run, ["hide a-worker"]);

  locks.renew();
  await locks.settled();
  assert.deepEqual(run, ["hide a-worker"], "once is enough");
});
