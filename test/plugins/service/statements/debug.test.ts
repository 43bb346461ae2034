import assert from "node:assert/strict";
import { test } from "node:test";
import { dispatch } from "#core/tasks/commands.ts";
import { noOp } from "#plugins/service/operations/tasks.ts";
import type { TestApi } from "../../../support/rest-api.ts";
import { runTasks } from "../../../support/run-tasks.ts";
import { createService } from "../support.ts";

const DEBUG = "/api/pulp/debug/";

async function site(t: Parameters<typeof createService>[0]) {
  const api = await createService(t);
  const waiting = () =>
    dispatch(api.ctx, {
      ...{ task: noOp, input: {}, caller: api.caller, immediate: false },
      ...{ exclusive: ["mine"], shared: ["ours"] },
    });
  return { api, waiting, ask: async (path: string) => (await api.get(`${DEBUG}${path}`)).body };
}

const hasKeys = (value: object, keys: readonly string[], what: string) =>
  assert.deepEqual(Object.keys(value).toSorted(), keys.toSorted(), what);

const WORKERS = ["online_workers", "online_api_processes", "worker_names"];

test("24 Debug: a task is explained in the structure of §10.2", async (t) => {
  const { waiting, ask } = await site(t);
  const { id } = await waiting();
  const body = await ask(`task-debug/?task_id=${id}`);
  hasKeys(
    body,
    [
      ...["task_id", "task", "diagnosis", "app_lock", "redis_locks", "lock_holder_liveness"],
      ...["queue_position", "blocking_tasks", "fifo_analysis", "version_compatibility"],
      "worker_summary",
    ],
    "the whole",
  );
  hasKeys(
    body.task,
    [
      ...["state", "name", "logging_cid", "pulp_created", "unblocked_at", "started_at"],
      ...["finished_at", "immediate", "deferred", "error", "reserved_resources_record"],
      ...["versions", "parent_task", "domain"],
    ],
    "task",
  );
  for (const one of body.diagnosis) hasKeys(one, ["bug", "severity", "summary"], "diagnosis");
  assert.ok(body.diagnosis.length >= 1);
});

test("24 Debug: locks, place in the queue and what stands before a task are told in that structure", async (t) => {
  const { waiting, ask } = await site(t);
  const first = await waiting();
  const second = await waiting();
  const body = await ask(`task-debug/?task_id=${second.id}`);
  assert.deepEqual(body.app_lock, { locked: false, app_status_name: null });
  const { task_lock, exclusive_resources, shared_resources, ...more } = body.redis_locks;
  assert.deepEqual(more, {});
  hasKeys(task_lock, ["key", "held", "holder", "ttl"], "task_lock");
  const lock = ["resource", "lock_key", "held", "holders", "lock_type", "ttl"];
  hasKeys(exclusive_resources[0], [...lock, "holder"], "exclusive_resources");
  hasKeys(shared_resources[0], lock, "shared_resources");
  const { queue_position: position } = body;
  hasKeys(
    position,
    [...["older_waiting_tasks", "stuck_in_window", "fetch_task_limit", "within_fetch_window"]],
    "queue_position",
  );
  assert.equal(position.fetch_task_limit, 20);
  assert.deepEqual(Object.keys(body.blocking_tasks[0]).toSorted(), [
    ...["app_lock", "name", "overlapping_resources", "pulp_created", "state", "task_id"],
  ]);
  assert.equal(body.blocking_tasks[0].task_id, first.id);
  hasKeys(
    body.fifo_analysis,
    [
      ...["is_fifo_blocked", "blocked_resources", "blocking_task_ids"],
      ...["fifo_blocked_exclusive_set_size", "fifo_blocked_shared_set_size"],
    ],
    "fifo_analysis",
  );
  hasKeys(
    body.version_compatibility,
    [
      ...["has_version_requirements", "task_versions", "compatible_workers"],
      ...["incompatible_workers", "no_compatible_worker_exists"],
    ],
    "version_compatibility",
  );
  hasKeys(body.worker_summary, WORKERS, "worker_summary");
  const free = await ask(`task-debug/?task_id=${first.id}`);
  assert.equal(free.fifo_analysis.is_fifo_blocked, false);
  assert.equal(typeof free.fifo_analysis.reason, "string");
});

test("24 Debug: the queue has the structure of §10.3, its limit the bounds and default", async (t) => {
  const { waiting, ask } = await site(t);
  for (let number = 0; number < 12; number += 1) await waiting();
  const body = await ask("task-queue/");
  hasKeys(
    body,
    [
      ...["total_waiting", "total_running", "waiting_with_applock", "limit", "tasks"],
      ...["lock_holder_liveness", "queue_health", "worker_summary"],
    ],
    "the whole",
  );
  hasKeys(
    body.tasks[0],
    [
      ...["task_id", "state", "name", "logging_cid", "pulp_created", "started_at", "immediate"],
      ...["deferred", "domain", "versions", "reserved_resources_record", "app_lock"],
      ...["redis_locks", "diagnoses"],
    ],
    "task",
  );
  hasKeys(
    body.tasks[0].redis_locks,
    [
      ...["task_lock_held", "task_lock_holder", "task_lock_ttl", "exclusive_resources_locked"],
      ...["shared_resources_locked", "blocked_by"],
    ],
    "redis_locks",
  );
  hasKeys(
    body.queue_health,
    [...["waiting_with_applock", "waiting_with_applock_is_bug1"]],
    "queue_health",
  );
  hasKeys(body.worker_summary, WORKERS, "worker_summary");
  assert.deepEqual([body.total_waiting, body.tasks.length], [12, 10]);
  for (const [given, limit] of [
    ...[["", 10] as const, ["1", 1] as const, ["100", 100] as const, ["101", 100] as const],
    ...[["0", 1] as const, ["-5", 1] as const, ["x", 10] as const, ["1.5", 10] as const],
  ]) {
    assert.equal((await ask(`task-queue/?limit=${given}`)).limit, limit, `limit=${given}`);
  }
});

test("24 Debug: triggers of the queue are listed, whatever there are", async (t) => {
  const { ask } = await site(t);
  const { table, trigger_count, triggers } = await ask("database-triggers/");
  assert.deepEqual([table, trigger_count], ["core_task", triggers.length]);
  for (const one of triggers) {
    hasKeys(
      one,
      [
        ...["trigger_name", "table_name", "trigger_level", "trigger_timing", "trigger_event"],
        ...["function_name", "trigger_definition", "function_definition"],
      ],
      "trigger",
    );
  }
});

test("24 Debug: a clean-up of stale locks is told by GET, and is a task by POST that completes", async (t) => {
  const { api } = await site(t);
  const told = await api.get(`${DEBUG}cleanup-stale-locks/`);
  assert.equal(told.status, 200);
  hasKeys(told.body, ["description", "task_name", "schedule", "usage"], "the whole");
  hasKeys(told.body.usage, ["endpoint", "method", "authentication"], "usage");
  assert.equal(told.body.usage.method, "POST");
  assert.equal(told.body.schedule, "Runs automatically every 6 hours");
  assert.equal(await countTasks(api), 0);
  const posted = await api.request("POST", `${DEBUG}cleanup-stale-locks/`);
  // Without Redis there are no locks that could be stale, and the request says so.
  assert.deepEqual(
    [posted.status, posted.body],
    [400, { error: "This endpoint only works with Redis workers." }],
  );
  await runTasks(api);
});

const countTasks = async (api: TestApi): Promise<number> =>
  (await api.get("/api/pulp/admin/tasks/")).body.count;
