import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { uuid7 } from "#base/uuid7.ts";
import { askedInRedis, reconcileCancels } from "#core/tasks/cancel-keys.ts";
import { cancelTask, dispatch } from "#core/tasks/commands.ts";
import { registerProcesses } from "#core/tasks/process-records.ts";
import { claimTask, finishTask } from "#core/tasks/queue.ts";
import { ShownLocks } from "#core/tasks/shown-locks.ts";
import { noOp } from "#plugins/service/operations/tasks.ts";
import { createService } from "../plugins/service/support.ts";
import { withDatabases } from "./support/database.ts";
import { startRedis } from "./support/redis.ts";

withDatabases();

const LIMIT_MS = 20_000;
const keyOf = (id: string) => `pulp:task:cancel:${id}`;

test("a cancellation has its key until the task ends", async (t) => {
  await using redis = await startRedis();
  const { ctx, caller } = await createService(t, { WORKER_TYPE: "redis" }, { redis: redis.client });
  const owner = { ...ctx.process, kind: "worker", id: uuid7(), name: "w@here" } as const;
  await registerProcesses(ctx, [owner]);
  const locks = new ShownLocks(ctx);
  const until = async (keys: readonly string[]) => {
    const limit = Date.now() + LIMIT_MS;
    while ((await redis.keys()).join() !== keys.join() && Date.now() < limit) await sleep(10);
    assert.deepEqual(await redis.keys(), keys);
  };
  const running = async () => {
    const { id } = await dispatch(ctx, { task: noOp, input: {}, caller, immediate: false });
    const task = await claimTask(ctx, owner.id);
    assert.equal(task?.id, id);
    return { id, seq: task?.seq ?? 0 };
  };

  await t.test("a waiting task has none", async () => {
    const { id } = await dispatch(ctx, { task: noOp, input: {}, caller, immediate: false });
    assert.equal((await cancelTask(ctx, id)).state, "canceled");
    assert.deepEqual(await redis.keys(), []);
  });

  await t.test("the worker takes it back with its locks", async () => {
    const { id, seq } = await running();
    locks.show(owner.name, id);
    await locks.settled();
    assert.deepEqual(await askedInRedis(ctx, [id]), []);
    assert.equal((await cancelTask(ctx, id)).state, "canceling");
    const limit = Date.now() + LIMIT_MS;
    while ((await redis.client.send("GET", keyOf(id))) !== "cancel") assert.ok(Date.now() < limit);
    const seconds = Number(await redis.client.send("TTL", keyOf(id)));
    assert.ok(seconds > 86_000 && seconds <= 86_400, `${seconds} s`);
    assert.deepEqual(await askedInRedis(ctx, [uuid7(), id]), [id]);
    assert.deepEqual(await locks.asked(), [id]);
    await finishTask(ctx, { seq, owner: owner.id }, { state: "canceled" });
    locks.hide(owner.name);
    await until([]);
  });

  await t.test("the others take it back when its worker could not", async () => {
    const { id, seq } = await running();
    await cancelTask(ctx, id);
    await until(["pulp:canceled_tasks", keyOf(id)]);
    await reconcileCancels(ctx);
    assert.deepEqual(await redis.keys(), ["pulp:canceled_tasks", keyOf(id)], "it has not ended");
    await finishTask(ctx, { seq, owner: owner.id }, { state: "canceled" });
    await reconcileCancels(ctx);
    assert.deepEqual(await redis.keys(), []);
  });

  await t.test("a server that is away or hangs holds nothing up", async () => {
    const { id } = await running();
    redis.signal("SIGSTOP");
    assert.equal((await cancelTask(ctx, id)).state, "canceling");
    assert.deepEqual(await askedInRedis(ctx, [id]), []);
    redis.signal("SIGCONT");
    await redis.stop();
    assert.equal((await cancelTask(ctx, id)).state, "canceling");
    await reconcileCancels(ctx);
  });
});
