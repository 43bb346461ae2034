import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { uuid7 } from "#base/uuid7.ts";
import { dispatch } from "#core/tasks/commands.ts";
import { noOp } from "#plugins/service/operations/tasks.ts";
import { as, below, createService, STRANGER, user } from "../plugins/service/support.ts";
import { createApi } from "../support/api.ts";
import { runTasks } from "../support/run-tasks.ts";
import { startServer } from "../support/server.ts";
import { withDatabases } from "./support/database.ts";
import { type RedisServer, startRedis } from "./support/redis.ts";

withDatabases();

const ALIVE = "alive@here";
const STALE = "stale@here";
const GONE = "gone@nowhere";
const lock = (name: string) => `pulp:resource_lock:${name}`;

/** A service whose workers show their locks, and records of two processes, one of them late. */
async function site(t: TestContext, redis: RedisServer) {
  const api = await createService(t, { WORKER_TYPE: "redis" }, { redis: redis.client });
  const seen = (name: string, ago: string) =>
    api.ctx.db
      .insertInto("app_process")
      .values({
        ...{ id: uuid7(), kind: "worker", name, ttl_seconds: 30, versions: "{}" },
        last_heartbeat: new Date(Date.now() - Number(ago) * 1000).toISOString() as never,
      })
      .execute();
  await seen(ALIVE, "0");
  await seen(STALE, "45");
  const ask = (path: string, who = {}, method = "GET") =>
    api.request(method, `/api/pulp/debug/${path}`, who);
  const send = (...words: readonly string[]) => redis.client.send(...words);
  return { api, ask, send };
}

async function waiting({ api }: Awaited<ReturnType<typeof site>>, exclusive: string) {
  const one = { task: noOp, input: {}, caller: api.caller, immediate: false };
  return (await dispatch(api.ctx, { ...one, exclusive: [exclusive] })).id;
}

/** Locks of one who is there, of one who is late and of one who has gone. */
async function staleSite(t: TestContext, redis: RedisServer) {
  const world = await site(t, redis);
  const { api, send } = world;
  const task = await waiting(world, "mine");
  await runTasks(api);
  const past = "2020-01-01T00:00:00Z" as never;
  const times = { created: past, started_at: past, finished_at: past };
  await api.ctx.db.updateTable("task").set(times).execute();
  const next = await waiting(world, "lost");
  await send("SET", `task:${task}`, ALIVE);
  await send("SET", lock("mine"), ALIVE);
  await send("SADD", `pulp:owner_locks:${ALIVE}`, `task:${task}`, lock("mine"));
  await send("SET", lock("lost"), GONE, "EX", "1000");
  await send("SADD", lock("both"), GONE, ALIVE);
  await send("SET", lock("late"), STALE);
  const missing = "00000000-0000-7000-8000-00000000000a";
  await send("SET", `task:${missing}`, GONE);
  await send("SET", "task:no-uuid", GONE);
  await send("SADD", "pulp:active_owners", GONE, ALIVE);
  return { ...world, task, next };
}

test("stale locks are found", async (t) => {
  await using redis = await startRedis();
  const { ask, task, next } = await staleSite(t, redis);

  await t.test("they are judged", async () => {
    const { status, body } = await ask("stale-locks/?include_healthy=yes");
    assert.equal(status, 200);
    assert.deepEqual(body.summary, {
      ...{ total_resource_locks: 4, orphaned_resource_locks: 3, healthy_resource_locks: 1 },
      ...{ total_task_locks: 2, orphaned_task_locks: 1, healthy_task_locks: 1 },
      ...{ abandoned_task_locks: 1, abandoned_resource_locks: 1 },
      ...{ unique_lock_holders: 3, dead_lock_holders: 2 },
    });
    const of = (name: string) =>
      body.orphaned_resource_locks.find(({ resource }: { resource: string }) => resource === name);
    assert.deepEqual(
      [of("both").orphaned_holders, of("both").healthy_holders, of("both").lock_type],
      [[GONE], [ALIVE], "shared"],
    );
    assert.ok(of("lost").ttl > 900 && of("late").ttl === -1);
    assert.deepEqual(
      body.abandoned_resource_locks.map((one: { abandoned_by_task: string; resource: string }) => [
        ...[one.resource, one.abandoned_by_task],
      ]),
      [["mine", task]],
    );
    assert.equal(body.abandoned_task_locks[0].reason, "The task is completed.");
    assert.equal(body.task_correlations.lost[0].task_id, next);
    assert.deepEqual(
      [GONE, STALE, ALIVE].map((name) => body.lock_holder_liveness[name].verdict),
      ["missing", "stale", "alive"],
    );
    assert.equal(body.healthy_resource_locks[0].resource, "mine");
    assert.deepEqual(
      [body.next_cursor, body.has_more, body.page_size, body.scan_type],
      [0, false, 100, "all"],
    );
  });

  await t.test("parameters that make no sense count as not given", async () => {
    const odd = await ask("stale-locks/?page_size=x&cursor=99999999999999999999&scan_type=odd");
    assert.deepEqual([odd.status, odd.body.page_size, odd.body.scan_type], [200, 100, "all"]);
    assert.equal((await ask("stale-locks/?page_size=100000")).body.page_size, 500);
    assert.equal((await ask("stale-locks/?scan_type=task")).body.summary.total_resource_locks, 0);
  });
});

test("stale locks are cleaned up, but for those of who may be at work still", async (t) => {
  await using redis = await startRedis();
  const { api, ask, send } = await staleSite(t, redis);
  const { body } = await ask("cleanup-stale-locks/", {}, "POST");
  await runTasks(api);
  const { state, result, name } = (await api.get(body.task)).body;
  assert.equal(state, "completed");
  assert.equal(name, "pulp_service.app.tasks.stale_lock_cleanup.cleanup_stale_locks");
  assert.deepEqual(result, {
    ...{ resource_locks_scanned: 4, resource_locks_orphaned: 2, resource_locks_cleaned: 2 },
    ...{ task_locks_scanned: 2, task_locks_orphaned: 1, task_locks_cleaned: 1 },
    ...{ abandoned_task_locks_detected: 1, abandoned_task_locks_cleaned: 1 },
    ...{ abandoned_resource_locks_detected: 1, abandoned_resource_locks_cleaned: 1 },
    dead_holders: [GONE],
  });
  assert.deepEqual(await redis.keys(), [
    ...["pulp:active_owners", lock("both"), lock("late"), "task:no-uuid"],
  ]);
  assert.deepEqual(await send("SMEMBERS", lock("both")), [ALIVE]);
  assert.deepEqual(await send("SMEMBERS", "pulp:active_owners"), [ALIVE]);
});

test("a thousand locks come page by page, each once at least", async (t) => {
  await using redis = await startRedis();
  const { ask, send } = await site(t, redis);
  const names = Array.from({ length: 1000 }, (_, at) => `r${at}`);
  await send("MSET", ...names.flatMap((name) => [lock(name), GONE]));
  const ids = Array.from({ length: 300 }, uuid7);
  await send("MSET", ...ids.flatMap((id) => [`task:${id}`, GONE]));
  await send("MSET", ...Array.from({ length: 5000 }, (_, at) => [`cache:${at}`, "x"]).flat());
  const resources = new Set<string>();
  const tasks = new Set<string>();
  let cursor = "0";
  for (let page = 0; page < 200; page += 1) {
    const { body } = await ask(`stale-locks/?page_size=50&cursor=${cursor}`);
    for (const { resource } of body.orphaned_resource_locks) resources.add(resource);
    for (const { task_id } of body.orphaned_task_locks) tasks.add(task_id);
    assert.equal(body.has_more, body.next_cursor !== 0);
    assert.equal("abandoned_locks_note" in body, body.has_more);
    cursor = String(body.next_cursor);
    if (!body.has_more) break;
  }
  assert.equal(cursor, "0", "it ends");
  assert.deepEqual([resources.size, tasks.size], [1000, 300]);
});

test("locks of one task are released whoever has them", async (t) => {
  await using redis = await startRedis();
  const world = await site(t, redis);
  const { ask, send } = world;
  const task = await waiting(world, "mine");
  await send("SET", `task:${task}`, ALIVE);
  await send("SET", lock("mine"), GONE);
  const at = (id: string) => `release-task-locks/?task_id=${id}`;
  assert.equal((await ask("release-task-locks/", {}, "POST")).status, 400);
  assert.equal((await ask(at("x"), {}, "POST")).status, 404);
  assert.equal((await ask(at(task), STRANGER, "POST")).status, 401);
  assert.equal((await ask(at(task), as(user("mara", "44")), "POST")).status, 403);
  const { body } = await ask(at(task), {}, "POST");
  const { shared_resources, ...rest } = body;
  assert.deepEqual(rest, {
    ...{ message: "Successfully released locks for task", task_id: task, task_state: "waiting" },
    ...{ task_lock_holder: ALIVE, task_lock_deleted: true },
    ...{ exclusive_resources: ["mine"], exclusive_resources_count: 1, exclusive_locks_deleted: 1 },
    ...{ shared_resources_count: 1, shared_locks_deleted: 0 },
  });
  assert.match(shared_resources[0], /^prn:core\.domain:/);
  assert.deepEqual(await redis.keys(), []);
  assert.equal((await ask(at(task))).body.task_lock_deleted, false, "tools ask by GET");
});

test("a task and the queue are explained with what is shown of them", async (t) => {
  await using redis = await startRedis();
  const world = await site(t, redis);
  const { ask, send } = world;
  const task = await waiting(world, "mine");
  await send("SET", lock("mine"), GONE);
  const { body } = await ask(`task-debug/?task_id=${task}`);
  assert.equal(body.diagnosis[0].bug, "BUG_2_ORPHANED_LOCK");
  assert.deepEqual(body.redis_locks.exclusive_resources, [
    {
      ...{ resource: "mine", lock_key: lock("mine"), held: true, holder: GONE, holders: [GONE] },
      ...{ lock_type: "exclusive", ttl: -1 },
    },
  ]);
  assert.equal(body.lock_holder_liveness[GONE].verdict, "missing");
  const queue = (await ask("task-queue/")).body;
  assert.deepEqual(queue.tasks[0].diagnoses, [`BUG_2_ORPHANED_LOCK:${GONE}`]);
  assert.deepEqual(queue.tasks[0].redis_locks.blocked_by, ["mine"]);
  assert.deepEqual(queue.queue_health.orphaned_lock_holders, [GONE]);
});

test("without a server nothing is answered, and nothing hangs", async (t) => {
  await using redis = await startRedis();
  const { ask } = await site(t, redis);
  await redis.stop();
  const { status, body } = await ask("stale-locks/");
  assert.deepEqual([status, body], [500, { error: "Redis connection not available" }]);
  const other = await createService(t);
  const wrong = { error: "This endpoint only works with Redis workers." };
  const stale = await other.get("/api/pulp/debug/stale-locks/");
  assert.deepEqual([stale.status, stale.body], [400, wrong]);
  const released = await other.get("/api/pulp/debug/release-task-locks/?task_id=x");
  assert.deepEqual([released.status, released.body], [400, { ...wrong, worker_type: "pulpcore" }]);
  const told = await other.get("/api/pulp/debug/cleanup-stale-locks/");
  assert.equal(told.body.schedule, "Runs automatically every 6 hours");
  const tasks = await other.get(below("default", "tasks/"));
  assert.equal(tasks.body.count, 0);
});

test("a worker cleans up in a process of its own, which seldom needs Redis", async () => {
  await using redis = await startRedis();
  await using server = await startServer({
    env: {
      ...{ PULP_WORKER_TYPE: "redis", PULP_REDIS_URL: redis.url },
      PULP_ENABLED_PLUGINS: "['file', 'service']",
    },
  });
  const api = createApi(server);
  await redis.client.send("SET", lock("lost"), GONE);
  await api.done(await api.post("/api/pulp/debug/cleanup-stale-locks/"));
  assert.ok(!(await redis.keys()).includes(lock("lost")));
  // The schedule runs at the start as well, and one of them was the first.
  const { results } = await api.get("tasks/?name__contains=stale_lock_cleanup");
  let cleaned = 0;
  for (const { pulp_href: task } of results) {
    cleaned += (await api.done({ task })).result.resource_locks_cleaned;
  }
  assert.equal(cleaned, 1);
});
