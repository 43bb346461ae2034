import type { JsonObject } from "#base/json.ts";
import type { Ctx } from "#sdk";
import { lockKeys, resourcesOf } from "../locks/lock-keys.ts";
import { readLocks, type ShownLock } from "../locks/read-locks.ts";
import type { QueuedTask } from "./queued-task.ts";

/** What workers show of some tasks. */
export interface TaskLocks {
  /** Whether anything is shown at all: workers of this kind do, and the server answers. */
  readonly isShown: boolean;
  lock(key: string): ShownLock;
}

/** More resources of one task are not looked at. */
const MOST_RESOURCES = 200;

const keysOf = ({ task_id, reserved_resources_record: record }: QueuedTask): readonly string[] => {
  const { exclusive, shared } = resourcesOf(record.slice(0, MOST_RESOURCES));
  return [lockKeys.task(task_id), ...[...exclusive, ...shared].map(lockKeys.resource)];
};

/** Reads the locks of all of them at once; a server that is away shows nothing. */
export async function taskLocks(
  { redis, settings, log }: Ctx,
  tasks: readonly QueuedTask[],
): Promise<TaskLocks> {
  const isOn = redis !== undefined && settings.WORKER_TYPE === "redis";
  const keys = [...new Set(tasks.flatMap(keysOf))];
  const found = isOn
    ? await readLocks(redis, keys).catch((error: unknown) => {
        log.warn(`Redis does not tell of locks: ${error}`);
        return undefined;
      })
    : undefined;
  const locks = new Map(found?.map((lock) => [lock.key, lock]));
  return {
    isShown: found !== undefined,
    lock: (key) => locks.get(key) ?? { key, kind: "none", holders: [], ttl: null },
  };
}

/** Who shows a lock of the task. */
export const holdersOfTask = (locks: TaskLocks, task: QueuedTask): readonly string[] => [
  ...new Set(keysOf(task).flatMap((key) => locks.lock(key).holders)),
];

/** Holders that keep the task from its resources, by the resource. */
export function otherHolders(locks: TaskLocks, task: QueuedTask): readonly string[] {
  const { exclusive, shared } = resourcesOf(task.reserved_resources_record);
  const own = locks.lock(lockKeys.task(task.task_id)).holders;
  const isOther = (lock: ShownLock) => lock.holders.some((holder) => !own.includes(holder));
  return [
    ...exclusive.filter((name) => isOther(locks.lock(lockKeys.resource(name)))),
    ...shared.filter((name) => {
      const lock = locks.lock(lockKeys.resource(name));
      return lock.kind === "string" && isOther(lock);
    }),
  ];
}

const isHeld = ({ kind }: ShownLock): boolean => kind !== "none";

/** In the words of `task-debug` (service §10.2). */
export function shownLocks(locks: TaskLocks, task: QueuedTask): JsonObject {
  const { exclusive, shared } = resourcesOf(task.reserved_resources_record);
  const key = lockKeys.task(task.task_id);
  const own = locks.lock(key);
  const common = (resource: string) => {
    const lock = locks.lock(lockKeys.resource(resource));
    return {
      ...{ resource, lock_key: lock.key, held: isHeld(lock), holders: [...lock.holders] },
      lock_type: lock.kind === "none" ? null : lock.kind === "set" ? "shared" : "exclusive",
      ttl: lock.ttl,
    };
  };
  return {
    task_lock: { key, held: isHeld(own), holder: own.holders[0] ?? null, ttl: own.ttl },
    exclusive_resources: exclusive.map((name) => {
      const lock = locks.lock(lockKeys.resource(name));
      return { ...common(name), holder: lock.kind === "string" ? (lock.holders[0] ?? null) : null };
    }),
    shared_resources: shared.map(common),
  };
}

/** In the words of `task-queue` (service §10.3). */
export function locksInQueue(locks: TaskLocks, task: QueuedTask): JsonObject {
  const { exclusive, shared } = resourcesOf(task.reserved_resources_record);
  const own = locks.lock(lockKeys.task(task.task_id));
  const held = (names: readonly string[]) =>
    names.filter((name) => isHeld(locks.lock(lockKeys.resource(name)))).length;
  return {
    task_lock_held: isHeld(own),
    task_lock_holder: own.holders[0] ?? null,
    task_lock_ttl: own.ttl,
    exclusive_resources_locked: held(exclusive),
    shared_resources_locked: held(shared),
    blocked_by: [...otherHolders(locks, task)],
  };
}
