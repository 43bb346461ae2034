import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import { dispatch } from "#core/tasks/commands.ts";
import { holdConnection } from "#plugins/service/operations/connections/hold.ts";
import { PATTERN_NAMES } from "#plugins/service/operations/connections/patterns.ts";
import { noOp } from "#plugins/service/operations/tasks.ts";
import { endedTask } from "../../support/run-tasks.ts";
import { as, base64, below, createService, STRANGER, user } from "./support.ts";

const settings = { AUTHENTICATION_HEADER_DEBUG: true, TEST_TASK_INGESTION: true };

const debugging = (method: string) => (name: string) => [method, `debug/${name}/`] as const;

async function site(t: TestContext, more: Record<string, unknown> = settings) {
  const api = await createService(t, more);
  const ask = (path: string, who = {}, method = "GET") =>
    api.request(method as "GET", path.startsWith("/") ? path : `/api/pulp/${path}`, who);
  return { api, ask };
}

test("probes of a gateway get what they ask for", async (t) => {
  const { api, ask } = await site(t);
  const redirect = await ask("redirect-check/", STRANGER, "HEAD");
  assert.deepEqual([redirect.status, redirect.headers.location], [302, "/api/"]);
  assert.equal((await ask("redirect-check/", STRANGER)).status, 405);
  assert.equal((await ask("internal-server-error-check/", STRANGER, "HEAD")).status, 500);
  assert.equal((await ask("raise-exception-check/", STRANGER, "HEAD")).status, 500);
  assert.match(api.logged.join("\n"), /ERROR Error: This error was asked for\./);
});

test("what the gateway says is shown where the setting allows it", async (t) => {
  const { ask } = await site(t);
  const identity = user("mara", "44");
  const { status, body } = await ask("debug_auth_header/", as(identity));
  assert.equal(status, 200);
  assert.deepEqual(body.x_rh_identity, { identity });
  assert.deepEqual(Object.keys(body.client_ip_headers), [
    ...["true_client_ip", "x_forwarded_for", "x_real_ip", "remote_addr"],
  ]);
  for (const value of ["abc", base64("no json"), base64("[]")]) {
    const answer = await ask("debug_auth_header/", {
      ...STRANGER,
      headers: { "x-rh-identity": value },
    });
    assert.deepEqual([answer.status, answer.body.x_rh_identity], [200, null]);
  }
});

test("what is off is refused, and what is for administrators too", async (t) => {
  const { ask } = await site(t, {});
  for (const path of ["debug_auth_header/", "test/tasks/", "test/random_lock_tasks/"]) {
    const answer = await ask(path, STRANGER);
    assert.deepEqual([answer.status, answer.body], [403, { detail: "Access denied." }], path);
  }
  for (const method of ["GET", "POST"]) {
    const answer = await ask("rds-connection-tests/", STRANGER, method);
    assert.equal(answer.status, 403);
    assert.equal(answer.body.error, "RDS connection tests are not enabled.");
  }
  for (const [method, path] of [
    ...["task-debug", "task-queue", "database-triggers", "stale-locks"].map(debugging("GET")),
    ...["cleanup-stale-locks", "release-task-locks"].flatMap((name) => [
      ...[debugging("GET")(name), debugging("POST")(name)],
    ]),
    ["POST", "test/trigger-oom/"] as const,
    ["POST", "default/api/v3/datarepair/7465-v2/"] as const,
  ]) {
    const full = path.startsWith("default") ? `/pulp/${path}` : path;
    const status = async (who: object) => (await ask(full, who, method)).status;
    assert.equal(await status(STRANGER), 401, path);
    assert.equal(await status(as(user("mara", "44"))), 403, path);
  }
});

test("memory is taken on stage only", async (t) => {
  const { ask } = await site(t);
  const { status, body } = await ask("test/trigger-oom/?chunk_mb=1", {}, "POST");
  assert.deepEqual([status, body.error], [403, "OOM test endpoint is only available on stage"]);
});

test("versions have no list of content that could be missing", async (t) => {
  const { api } = await site(t);
  const at = below("default", "datarepair/7465-v2/");
  for (const json of [{}, { dry_run: true }]) {
    const task = await endedTask(api, await api.request("POST", at, { json }));
    assert.equal(task.state, "completed");
    assert.deepEqual(
      task.progress_reports.map(({ code, done, total }) => [code, done, total]),
      [
        ["repair.7465.versions_checked", 0, 0],
        ["repair.7465.versions_fixed", 0, 0],
      ],
    );
    const locks = task.reserved_resources_record.filter((name) => name.startsWith("pdrn:"));
    assert.deepEqual(locks, [`pdrn:${api.domain.id}:datarepair-7465`]);
  }
  const bad = await api.request("POST", at, { json: { dry_run: "perhaps" } });
  assert.equal(bad.status, 400);
});

test("tests of connections are dispatched as they are asked for", async (t) => {
  const { api, ask } = await site(t, { RDS_CONNECTION_TESTS_ENABLED: true });
  const path = "rds-connection-tests/";
  assert.equal((await ask(path, STRANGER)).body.available_tests.length, 7);
  const start = (json: object) => ask(path, { ...STRANGER, json }, "POST");
  const names = ["test_6_listen_notify", "test_1_idle_connection"];
  for (const [json, error] of [
    [{}, /^No tests specified/],
    [{ tests: [] }, /^No tests specified/],
    [{ tests: "x" }, /^Invalid test names: \['x'\]/],
    [{ tests: [...names, { a: 1 }] }, /^Invalid test names/],
    ...[0, 301, 1.5, "5", null, true].map(
      (minutes) => [{ tests: names, duration_minutes: minutes }, /duration_minutes/] as const,
    ),
  ] as const) {
    const { status, body } = await start(json);
    assert.equal(status, 400, JSON.stringify(json));
    assert.match(body.error, error);
  }
  const locksOf = async (tests: object) => {
    const { status, body } = await start(tests);
    assert.equal(status, 202);
    const ids = body.tasks.map(({ task_id }: { task_id: string }) => task_id);
    assert.equal(body.tasks[0].task_href, `/pulp/default/api/v3/tasks/${ids[0]}/`);
    const rows = await api.ctx.db
      .selectFrom("task")
      .select("resources")
      .where("id", "in", ids)
      .execute();
    return rows.map(({ resources }) => resources.filter((name) => !name.startsWith("shared:")));
  };
  assert.deepEqual(await locksOf({ tests: names, duration_minutes: 1 }), [[], []]);
  const [first, second] = await locksOf({ tests: names, run_sequentially: true });
  assert.equal(first?.length, 1);
  assert.deepEqual(first, second);
});

test("each way to hold a connection is tried and left clean", async (t) => {
  const { api } = await site(t);
  const { signal } = new AbortController();
  for (const name of PATTERN_NAMES) {
    const result = await holdConnection(api.ctx, { name, durationMs: 30, beatMs: 10, signal });
    assert.deepEqual([result.test, result.status, result.success], [name, "PASSED", true]);
    assert.equal("connection_pinned" in result, /^test_[567]/.test(name), name);
    assert.equal(Number(result.iterations_completed) > 0, /_(2|4|7)_/.test(name), name);
  }
  const { rows } = await sql`select from pg_stat_activity
    where datname = current_database() and state like 'idle in transaction%'`.execute(api.ctx.db);
  assert.deepEqual(rows, []);
});

test("a connection that is lost is a result, and a cancelled test is not", async (t) => {
  const { api } = await site(t);
  const { signal } = new AbortController();
  const name = "test_3_long_transaction";
  const held = holdConnection(api.ctx, { name, durationMs: 500, beatMs: 10, signal });
  await sleep(100);
  await sql`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and state = 'idle in transaction'`.execute(api.ctx.db);
  const { status, connection_alive, error } = await held;
  assert.deepEqual([status, connection_alive], ["FAILED", false]);
  assert.match(JSON.stringify(error), /connection error|terminat/);
  const aborted = AbortSignal.timeout(50);
  const hold = { name, durationMs: 60_000, beatMs: 10, signal: aborted } as const;
  await assert.rejects(holdConnection(api.ctx, hold), { name: "TimeoutError" });
});

test("tasks are dispatched for as long as it is asked", async (t) => {
  const { api, ask } = await site(t);
  for (const path of ["test/tasks/?timeout=1", "test/random_lock_tasks/?timeout=1"]) {
    const { status, body } = await ask(path, STRANGER);
    assert.equal(status, 200);
    assert.ok(body.tasks_executed > 0);
  }
  const locks = await api.ctx.db.selectFrom("task").select("resources").execute();
  const names = locks.flatMap(({ resources }) => resources.filter((name) => !name.includes(":")));
  const once = names.filter((name) => names.indexOf(name) === names.lastIndexOf(name));
  assert.ok(new Set(names).size - once.length <= 3, "three names are taken again and again");
});

test("a task and the queue are explained", async (t) => {
  const { api, ask } = await site(t);
  const { ctx, caller } = api;
  const one = { task: noOp, input: {}, caller, exclusive: ["mine"], immediate: false };
  const first = await dispatch(ctx, one);
  const second = await dispatch(ctx, one);

  const missing = await ask("debug/task-debug/");
  assert.deepEqual(
    [missing.status, missing.body],
    [...[400, { error: "Missing required query parameter: task_id" }]],
  );
  const none = "00000000-0000-7000-8000-000000000000";
  for (const id of ["x", none]) {
    const unknown = await ask(`debug/task-debug/?task_id=${id}`);
    assert.deepEqual([unknown.status, unknown.body], [404, { error: `Task ${id} not found` }]);
  }
  const { body: free } = await ask(`debug/task-debug/?task_id=${first.id}`);
  assert.deepEqual(
    [free.task.state, free.diagnosis[0].bug, free.blocking_tasks],
    ["waiting", null, []],
  );
  assert.deepEqual(free.app_lock, { locked: false, app_status_name: null });
  const { body: blocked } = await ask(`debug/task-debug/?task_id=${second.id}`);
  assert.equal(blocked.diagnosis[0].bug, "BUG_4_FIFO_RESOURCE_BLOCKING");
  assert.deepEqual(blocked.fifo_analysis.blocking_task_ids, [first.id]);
  assert.deepEqual(blocked.fifo_analysis.blocked_resources.includes("mine"), true);
  assert.equal(blocked.queue_position.older_waiting_tasks, 1);

  const { body: queue } = await ask("debug/task-queue/?limit=1");
  assert.deepEqual([queue.total_waiting, queue.total_running, queue.limit], [2, 0, 1]);
  assert.deepEqual(
    queue.tasks.map(({ task_id }: { task_id: string }) => task_id),
    [first.id],
  );
  assert.equal((await ask("debug/task-queue/?limit=none")).body.limit, 10);
  assert.equal((await ask("debug/task-queue/?limit=1000")).body.limit, 100);

  const { body: triggers } = await ask("debug/database-triggers/");
  assert.equal(triggers.table, "core_task");
  assert.equal(triggers.trigger_count, triggers.triggers.length);
});
