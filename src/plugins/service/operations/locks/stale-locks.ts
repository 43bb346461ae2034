import type { JsonObject } from "#base/json.ts";
import type { Call } from "#sdk";
import { isAdmin } from "../../access/audiences.ts";
import { json, numberIn, type Outcome, operation, queryOf } from "../endpoint.ts";
import { workerSummary } from "../queue/workers.ts";
import { type Judgement, judgeLocks, type ResourceLock, type TaskLock } from "./judge-locks.ts";
import { tasksWanting, type Wanting } from "./lock-tasks.ts";
import { lockPage, type ScanType } from "./page.ts";
import type { Redis } from "./read-locks.ts";
import { withRedis } from "./redis-only.ts";

const MOST_CURSOR = 2n ** 63n;
const NOTE = "There are more pages: locks that are abandoned may be on those.";

/** Locks whose holders have gone, or that stand for nothing (service §10.4). */
export const staleLocks = operation({
  path: "/api/pulp/debug/stale-locks/",
  title: "Show locks that nobody needs",
  admits: isAdmin,
  run: (call) =>
    withRedis(call, { failure: "Failed to scan for stale locks" }, (redis) => report(call, redis)),
});

async function report(call: Call, redis: Redis): Promise<Outcome> {
  const { ctx } = call;
  const size = numberIn(call, "page_size", { least: 1, most: 500, otherwise: 100 });
  const type = scanType(queryOf(call, "scan_type"));
  const page = await lockPage(redis, { cursor: cursorOf(call), size, type });
  const judged = await judgeLocks(ctx, redis, page.keys);
  const parts = partsOf(judged);
  const resources = [...parts.orphanedResources, ...judged.abandonedResources].map(
    ({ resource }) => resource,
  );
  const hasMore = page.next !== "0";
  const withHealthy = ["true", "1", "yes"].includes(queryOf(call, "include_healthy").toLowerCase());
  return json(200, {
    summary: summaryOf(judged, parts),
    orphaned_resource_locks: parts.orphanedResources.map(shownResource(judged)),
    orphaned_task_locks: parts.orphanedTasks.map(shownTask),
    abandoned_task_locks: judged.abandonedTasks.map((lock) => ({
      ...shownTask(lock),
      reason: lock.reason,
    })),
    abandoned_resource_locks: judged.abandonedResources.map((lock) => ({
      ...shownResource(judged)(lock),
      abandoned_by_task: lock.by,
      abandoned_holder: lock.holder,
      reason: lock.reason,
    })),
    lock_holder_liveness: jsonOf(judged.holders.shown),
    task_correlations: wantingOf(await tasksWanting(ctx, [...new Set(resources)])),
    worker_summary: { ...(await workerSummary(ctx)) },
    next_cursor: Number.isSafeInteger(Number(page.next)) ? Number(page.next) : page.next,
    has_more: hasMore,
    page_size: size,
    scan_type: type,
    ...(withHealthy ? healthyOf(judged, parts) : {}),
    ...(hasMore ? { abandoned_locks_note: NOTE } : {}),
  });
}

const scanType = (text: string): ScanType =>
  text === "resource" || text === "task" ? text : "all";

/** What is no cursor is the beginning. */
function cursorOf(call: Call): string {
  const text = queryOf(call, "cursor");
  return /^\d{1,19}$/.test(text) && BigInt(text) < MOST_CURSOR ? text : "0";
}

interface Parts {
  readonly orphanedResources: readonly ResourceLock[];
  readonly healthyResources: readonly ResourceLock[];
  readonly orphanedTasks: readonly TaskLock[];
  readonly healthyTasks: readonly TaskLock[];
}

function partsOf({ resources, tasks, holders }: Judgement): Parts {
  const isHealthy = (lock: { readonly holders: readonly string[] }) =>
    lock.holders.every(holders.isOnline);
  return {
    orphanedResources: resources.filter((lock) => !isHealthy(lock)),
    healthyResources: resources.filter(isHealthy),
    orphanedTasks: tasks.filter((lock) => !isHealthy(lock)),
    healthyTasks: tasks.filter(isHealthy),
  };
}

function summaryOf(judged: Judgement, parts: Parts): JsonObject {
  const holders = Object.keys(judged.holders.shown);
  return {
    total_resource_locks: judged.resources.length,
    orphaned_resource_locks: parts.orphanedResources.length,
    healthy_resource_locks: parts.healthyResources.length,
    total_task_locks: judged.tasks.length,
    orphaned_task_locks: parts.orphanedTasks.length,
    healthy_task_locks: parts.healthyTasks.length,
    abandoned_task_locks: judged.abandonedTasks.length,
    abandoned_resource_locks: judged.abandonedResources.length,
    unique_lock_holders: holders.length,
    dead_lock_holders: holders.filter((name) => !judged.holders.isOnline(name)).length,
  };
}

const typeOf = ({ kind }: ResourceLock | TaskLock): string =>
  kind === "set" ? "shared" : "exclusive";

const shownResource =
  ({ holders }: Judgement) =>
  (lock: ResourceLock): JsonObject => ({
    lock_key: lock.key,
    resource: lock.resource,
    lock_type: typeOf(lock),
    holders: [...lock.holders],
    ttl: lock.ttl,
    orphaned_holders: lock.holders.filter((name) => !holders.isOnline(name)),
    healthy_holders: lock.holders.filter(holders.isOnline),
  });

const shownTask = (lock: TaskLock): JsonObject => ({
  lock_key: lock.key,
  task_id: lock.id,
  lock_type: "task",
  holder: lock.holders[0] ?? null,
  ttl: lock.ttl,
  task_state: lock.task?.state ?? null,
  task_name: lock.task?.name ?? null,
  task_app_lock: lock.task?.app_lock ?? null,
});

const healthyOf = (judged: Judgement, parts: Parts): JsonObject => ({
  healthy_resource_locks: parts.healthyResources.map(shownResource(judged)),
  healthy_task_locks: parts.healthyTasks.map(shownTask),
});

const jsonOf = (shown: Judgement["holders"]["shown"]): JsonObject =>
  Object.fromEntries(Object.entries(shown).map(([name, holder]) => [name, { ...holder }]));

const wantingOf = (found: Readonly<Record<string, readonly Wanting[]>>): JsonObject =>
  Object.fromEntries(
    Object.entries(found).map(([name, tasks]) => [name, tasks.map((task) => ({ ...task }))]),
  );
