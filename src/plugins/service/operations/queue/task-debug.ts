import type { JsonObject } from "#base/json.ts";
import { type Ctx, sql } from "#sdk";
import { isAdmin } from "../../access/audiences.ts";
import { json, type Outcome, operation, queryOf } from "../endpoint.ts";
import { holdersOf } from "../locks/holders.ts";
import { blockersOf, fifoAnalysis, positionOf } from "./blockers.ts";
import { diagnosisOf } from "./diagnosis.ts";
import {
  lockOf,
  ownerOf,
  QUEUED_TASKS,
  type QueuedTask,
  type QueueState,
  taskPart,
} from "./queued-task.ts";
import { holdersOfTask, shownLocks, taskLocks } from "./task-locks.ts";
import { compatibility, workerSummary } from "./workers.ts";

const FETCH_LIMIT = 20;
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Where a task stands in the queue, and why it does not run (service §10.2). */
export const taskDebug = operation({
  path: "/api/pulp/debug/task-debug/",
  title: "Explain a task",
  admits: isAdmin,
  async run(call) {
    const id = queryOf(call, "task_id");
    if (id === "") return json(400, { error: "Missing required query parameter: task_id" });
    const found = UUID.test(id)
      ? await sql<QueuedTask & QueueState>`${QUEUED_TASKS} where t.id = ${id}`.execute(call.ctx.db)
      : undefined;
    const task = found?.rows[0];
    return task ? explained(call.ctx, task) : json(404, { error: `Task ${id} not found` });
  },
});

async function explained(ctx: Ctx, task: QueuedTask & QueueState): Promise<Outcome> {
  const id = task.task_id;
  const [blockers, older, locks] = await Promise.all([
    blockersOf(ctx, id),
    positionOf(ctx, id),
    taskLocks(ctx, [task]),
  ]);
  const holders = await holdersOf(ctx, holdersOfTask(locks, task));
  const { task_id: _, ...part } = taskPart(task);
  return json(200, {
    task_id: id,
    task: { ...part },
    diagnosis: diagnosisOf({ task, blockers, locks, holders }).map((one) => ({ ...one })),
    app_lock: lockOf(task),
    redis_locks: shownLocks(locks, task),
    lock_holder_liveness: liveness({ ...holders.shown, ...ownerOf(task) }),
    queue_position: {
      older_waiting_tasks: older,
      stuck_in_window: 0,
      fetch_task_limit: FETCH_LIMIT,
      // The queue looks at no window: whatever is ready can be taken.
      within_fetch_window: true,
    },
    blocking_tasks: blockers.slice(0, FETCH_LIMIT).map((row) => ({ ...row })),
    fifo_analysis: fifoAnalysis(blockers),
    version_compatibility: await compatibility(ctx, task.versions ?? {}),
    worker_summary: { ...(await workerSummary(ctx)) },
  });
}

export const liveness = (holders: ReturnType<typeof ownerOf>): JsonObject =>
  Object.fromEntries(Object.entries(holders).map(([name, holder]) => [name, { ...holder }]));
