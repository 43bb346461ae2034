import { Type } from "@sinclair/typebox";
import { type Ctx, defineTask, dispatch } from "#sdk";
import { isAdmin } from "../../access/audiences.ts";
import { json, operation } from "../endpoint.ts";
import { dropHolders, retireOwner } from "./drop-locks.ts";
import { type Judgement, judgeLocks } from "./judge-locks.ts";
import type { LockKind } from "./lock-keys.ts";
import { type Redis, scanLocks } from "./read-locks.ts";
import { withRedis } from "./redis-only.ts";

const NAME = "pulp_service.app.tasks.stale_lock_cleanup.cleanup_stale_locks";
const PATH = "/api/pulp/debug/cleanup-stale-locks/";
const PAGE = 500;
const LOOK = 1000;
const MOST_NAMED = 1000;

class Tally {
  resource_locks_scanned = 0;
  resource_locks_orphaned = 0;
  resource_locks_cleaned = 0;
  task_locks_scanned = 0;
  task_locks_orphaned = 0;
  task_locks_cleaned = 0;
  abandoned_task_locks_detected = 0;
  abandoned_task_locks_cleaned = 0;
  abandoned_resource_locks_detected = 0;
  abandoned_resource_locks_cleaned = 0;
  readonly dead = new Set<string>();
}

/**
 * Takes away the locks of those who have gone, and those that stand for nothing (service §10.4). The
 * queue is in the database and decides alone, so this mends what tools see and no more; without
 * Redis there is nothing to do.
 */
export const cleanUpLocks = defineTask({
  name: NAME,
  label: "service",
  input: Type.Object({}),
  async run({ ctx, signal }) {
    const { redis, settings } = ctx;
    const tally = new Tally();
    if (redis && settings.WORKER_TYPE === "redis") {
      await cleanKind(ctx, { redis, signal, tally, kind: "resource" });
      await cleanKind(ctx, { redis, signal, tally, kind: "task" });
      for (const owner of tally.dead) await retireOwner(redis, owner);
    }
    const { dead, ...counts } = tally;
    return { ...counts, dead_holders: [...dead].sort().slice(0, MOST_NAMED) };
  },
});

interface Cleaning {
  readonly redis: Redis;
  readonly signal: AbortSignal;
  readonly tally: Tally;
  readonly kind: LockKind;
}

async function cleanKind(ctx: Ctx, cleaning: Cleaning): Promise<void> {
  const { redis, signal, kind } = cleaning;
  let cursor = "0";
  do {
    signal.throwIfAborted();
    const page = await scanLocks(redis, kind, { cursor, wanted: PAGE, each: LOOK });
    for (let at = 0; at < page.keys.length; at += PAGE) {
      const judged = await judgeLocks(ctx, redis, page.keys.slice(at, at + PAGE));
      await cleanOrphans(judged, cleaning);
      await cleanAbandoned(judged, cleaning);
    }
    cursor = page.cursor;
  } while (cursor !== "0");
}

async function cleanOrphans(
  { resources, tasks, holders }: Judgement,
  { redis, tally }: Cleaning,
): Promise<void> {
  for (const [kind, locks] of [["resource", resources] as const, ["task", tasks] as const]) {
    tally[`${kind}_locks_scanned`] += locks.length;
    for (const { key, holders: owners } of locks) {
      const gone = owners.filter(holders.isGone);
      if (gone.length === 0) continue;
      for (const owner of gone) tally.dead.add(owner);
      tally[`${kind}_locks_orphaned`] += 1;
      if (await dropHolders(redis, key, gone)) tally[`${kind}_locks_cleaned`] += 1;
    }
  }
}

/** Resources first: a task whose lock is still there can be found again. */
async function cleanAbandoned(
  { abandonedTasks, abandonedResources }: Judgement,
  { redis, tally }: Cleaning,
): Promise<void> {
  tally.abandoned_resource_locks_detected += abandonedResources.length;
  for (const { key, holder } of abandonedResources) {
    if (await dropHolders(redis, key, [holder])) tally.abandoned_resource_locks_cleaned += 1;
  }
  tally.abandoned_task_locks_detected += abandonedTasks.length;
  for (const { key, holders } of abandonedTasks) {
    if (await dropHolders(redis, key, holders)) tally.abandoned_task_locks_cleaned += 1;
  }
}

export const describeCleanup = operation({
  path: PATH,
  title: "Tell about the clean-up of locks",
  admits: isAdmin,
  async run() {
    return json(200, {
      description:
        "Takes away locks of processes that have gone, and locks that stand for nothing.",
      task_name: NAME,
      schedule: "Runs automatically every 6 hours",
      usage: { endpoint: PATH, method: "POST", authentication: "An administrator" },
    });
  },
});

export const startCleanup = operation({
  path: PATH,
  method: "POST",
  operationId: "debug_cleanup_stale_locks_start",
  title: "Clean up locks",
  answers: { 202: "AsyncOperationResponse" },
  admits: isAdmin,
  run: (call) =>
    withRedis(call, { failure: "Failed to clean up stale locks" }, async () => {
      const { ctx, caller } = call;
      const { id } = await dispatch(ctx, { task: cleanUpLocks, input: {}, caller });
      return { kind: "task", task: id };
    }),
});
