import type { Ctx } from "#sdk";
import { type Holders, holdersOf } from "./holders.ts";
import { lockKeys, resourceOf, resourcesOf, taskOf } from "./lock-keys.ts";
import { abandonment, type LockTask, lockTasks, resourcesInUse } from "./lock-tasks.ts";
import { type Redis, readLocks, type ShownLock } from "./read-locks.ts";

export interface ResourceLock extends ShownLock {
  readonly resource: string;
}

export interface TaskLock extends ShownLock {
  readonly id: string;
  readonly task: LockTask | undefined;
}

/** A lock of a task that stands for nothing, though its holder is there. */
export interface AbandonedTask extends TaskLock {
  readonly reason: string;
}

/** A lock that goes with such a task. */
export interface AbandonedResource extends ResourceLock {
  readonly holder: string;
  readonly by: string;
  readonly reason: string;
}

/** What is to be said about some locks. */
export interface Judgement {
  readonly resources: readonly ResourceLock[];
  readonly tasks: readonly TaskLock[];
  readonly holders: Holders;
  readonly abandonedTasks: readonly AbandonedTask[];
  readonly abandonedResources: readonly AbandonedResource[];
}

/**
 * Reads locks and finds out about their holders and tasks, with a handful of statements however many
 * there are. Those that have gone in the meantime are left out.
 */
export async function judgeLocks(
  ctx: Ctx,
  redis: Redis,
  keys: readonly string[],
): Promise<Judgement> {
  const locks = (await readLocks(redis, keys)).filter(({ kind }) => kind !== "none");
  const found = await lockTasks(
    ctx,
    locks.flatMap(({ key }) => taskOf(key) ?? []),
  );
  const tasks = locks.flatMap((lock) => {
    const id = taskOf(lock.key);
    return id === undefined ? [] : [{ ...lock, id, task: found.get(id) }];
  });
  const resources = locks.flatMap((lock) => {
    const resource = resourceOf(lock.key);
    return resource === undefined ? [] : [{ ...lock, resource }];
  });
  const holders = await holdersOf(
    ctx,
    locks.flatMap((lock) => lock.holders),
  );
  const abandonedTasks = tasks.flatMap((lock) => {
    const reason = lock.holders.every(holders.isOnline) ? abandonment(lock.task) : undefined;
    return reason === undefined ? [] : [{ ...lock, reason }];
  });
  const abandonedResources = await resourcesOfTasks(ctx, redis, abandonedTasks);
  return { resources, tasks, holders, abandonedTasks, abandonedResources };
}

/** Locks of resources that go with tasks whose own lock stands for nothing. */
async function resourcesOfTasks(
  ctx: Ctx,
  redis: Redis,
  tasks: readonly AbandonedTask[],
): Promise<readonly AbandonedResource[]> {
  const wanted = tasks.flatMap(({ id, task, holders, reason }) => {
    const { exclusive, shared } = resourcesOf(task?.resources ?? []);
    const names = [...exclusive, ...shared];
    return holders.flatMap((holder) =>
      names.map((resource) => ({ resource, holder, by: id, reason })),
    );
  });
  const names = [...new Set(wanted.map(({ resource }) => resource))];
  const locks = new Map(
    (await readLocks(redis, names.map(lockKeys.resource))).map((lock) => [lock.key, lock]),
  );
  const inUse = await resourcesInUse(ctx, [...new Set(wanted.map(({ holder }) => holder))]);
  return wanted.flatMap((one) => {
    const lock = locks.get(lockKeys.resource(one.resource));
    const isHeld = lock?.holders.includes(one.holder) === true;
    // The holder may be at work with the resource for another task.
    return lock && isHeld && !inUse.has(`${one.holder} ${one.resource}`)
      ? [{ ...lock, ...one }]
      : [];
  });
}
