import { sql } from "kysely";
import { isUuid } from "#base/uuid7.ts";
import type { Redis } from "#platform/redis/redis.ts";
import type { Ctx } from "../ctx.ts";
import { forgetCancels, lockKeys, tellCancel } from "./lock-scripts.ts";

/** The Redis of workers that show there what they do. */
const shownIn = ({ redis, settings }: Ctx): Redis | undefined =>
  settings.WORKER_TYPE === "redis" ? redis : undefined;

/** Most cancellations that are forgotten with one beat. */
const AT_ONCE = 500;

/**
 * Shows in Redis that a task is to be cancelled, for tools that look there. The queue knows already,
 * so nobody waits for it (core-tasks-ops §8.1).
 */
export function showCancel(ctx: Ctx, task: string): void {
  shownIn(ctx)
    ?.run(tellCancel, [lockKeys.cancel(task), lockKeys.canceled], [task])
    .catch((error) => ctx.log.debug(`Redis was not told of a cancellation: ${error}`));
}

/** Which of these tasks somebody wants cancelled who only wrote the key. */
export async function askedInRedis(
  ctx: Ctx,
  running: readonly string[],
): Promise<readonly string[]> {
  if (running.length === 0) return [];
  const values = await listFrom(ctx, "MGET", ...running.map(lockKeys.cancel));
  return running.filter((_, at) => typeof values[at] === "string");
}

/** Forgets cancellations of tasks whose worker could not do so, or did before it was told. */
export async function reconcileCancels(ctx: Ctx): Promise<void> {
  const tasks = (await listFrom(ctx, "SRANDMEMBER", lockKeys.canceled, `${AT_ONCE}`)).map(String);
  if (tasks.length === 0) return;
  const { rows } = await sql<{ task: string }>`
    select task from task_queue where task = any(${tasks.filter(isUuid)}::uuid[])`.execute(ctx.db);
  const queued = new Set(rows.map(({ task }) => task));
  const ended = tasks.filter((task) => !queued.has(task));
  if (ended.length === 0) return;
  const keys = [lockKeys.canceled, ...ended.map(lockKeys.cancel)];
  await shownIn(ctx)
    ?.run(forgetCancels, keys, ended)
    .catch((error) => ctx.log.debug(`Cancellations stay in Redis: ${error}`));
}

/** What a command lists; nothing while the server is away. */
async function listFrom(ctx: Ctx, ...words: readonly string[]): Promise<readonly unknown[]> {
  try {
    const answer = await shownIn(ctx)?.send(...words);
    return Array.isArray(answer) ? answer : [];
  } catch (error) {
    ctx.log.debug(`Redis was not asked for cancellations: ${error}`);
    return [];
  }
}
