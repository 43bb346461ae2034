import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { dispatch } from "#core/tasks/commands.ts";
import { noOp } from "#plugins/service/operations/tasks.ts";
import { as, base64, createService, STRANGER, user } from "./support.ts";

const settings = { AUTHENTICATION_HEADER_DEBUG: true, TEST_TASK_INGESTION: true };

async function site(t: TestContext, more: Record<string, unknown> = settings) {
  const api = await createService(t, more);
  const ask = (path: string, who = {}, method = "GET") =>
    api.request(method as "GET", `/api/pulp/${path}`, who);
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
  for (const path of ["debug/task-debug/", "debug/task-queue/", "debug/database-triggers/"]) {
    assert.equal((await ask(path, STRANGER)).status, 401, path);
    assert.equal((await ask(path, as(user("mara", "44")))).status, 403, path);
  }
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
