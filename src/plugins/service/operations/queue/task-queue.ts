import type { JsonObject } from "#base/json.ts";
import { type Call, type Ctx, sql } from "#sdk";
import { isAdmin } from "../../access/audiences.ts";
import { json, numberIn, type Outcome, operation } from "../endpoint.ts";
import { type Holders, holdersOf } from "../locks/holders.ts";
import { orphanHolders } from "./diagnosis.ts";
import { lockOf, ownerOf, QUEUED_TASKS, type QueuedTask, type QueueState } from "./queued-task.ts";
import { liveness } from "./task-debug.ts";
import { holdersOfTask, locksInQueue, type TaskLocks, taskLocks } from "./task-locks.ts";
import { workerSummary } from "./workers.ts";

/** The oldest tasks that are not over (service §10.3). */
export const taskQueue = operation({
  path: "/api/pulp/debug/task-queue/",
  title: "Show the queue",
  admits: isAdmin,
  run: (call) => shownQueue(call),
});

async function shownQueue(call: Call): Promise<Outcome> {
  const { ctx } = call;
  const limit = numberIn(call, "limit", { least: 1, most: 100, otherwise: 10 });
  const { rows } = await sql<QueuedTask & QueueState>`
    ${QUEUED_TASKS} where q.task is not null order by q.seq limit ${limit}`.execute(ctx.db);
  const { waiting, running } = await queueCounts(ctx);
  const locks = await taskLocks(ctx, rows);
  const holders = await holdersOf(
    ctx,
    rows.flatMap((task) => holdersOfTask(locks, task)),
  );
  const orphans = new Set(
    rows.flatMap((task) => orphanHolders({ task, locks, holders, blockers: [] })),
  );
  return json(200, {
    total_waiting: waiting,
    total_running: running,
    waiting_with_applock: 0,
    limit,
    tasks: rows.map((task) => shownTask(task, locks, holders)),
    lock_holder_liveness: liveness(Object.assign({}, holders.shown, ...rows.map(ownerOf))),
    queue_health: {
      waiting_with_applock: 0,
      waiting_with_applock_is_bug1: false,
      ...(orphans.size > 0 ? { orphaned_lock_holders: [...orphans].sort() } : {}),
    },
    worker_summary: { ...(await workerSummary(ctx)) },
  });
}

async function queueCounts({ db }: Ctx) {
  const { rows } = await sql<{ waiting: number; running: number }>`
    select (count(*) filter (where owner is null))::int as waiting,
      (count(*) filter (where owner is not null))::int as running from task_queue`.execute(db);
  return rows[0] ?? { waiting: 0, running: 0 };
}

const shownTask = (
  task: QueuedTask & QueueState,
  locks: TaskLocks,
  holders: Holders,
): JsonObject => ({
  ...{ task_id: task.task_id, state: task.state, name: task.name, domain: task.domain },
  ...{ logging_cid: task.logging_cid, pulp_created: task.pulp_created },
  ...{ started_at: task.started_at, immediate: task.immediate, deferred: task.deferred },
  versions: task.versions,
  reserved_resources_record: task.reserved_resources_record,
  app_lock: lockOf(task),
  redis_locks: locksInQueue(locks, task),
  diagnoses: orphanHolders({ task, locks, holders, blockers: [] }).map(
    (name) => `BUG_2_ORPHANED_LOCK:${name}`,
  ),
});
