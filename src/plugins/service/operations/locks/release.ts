import type { Call } from "#sdk";
import { isAdmin } from "../../access/audiences.ts";
import { json, type Outcome, operation, queryOf } from "../endpoint.ts";
import { lockKeys, resourcesOf } from "./lock-keys.ts";
import { lockTasks } from "./lock-tasks.ts";
import { type Redis, readLocks } from "./read-locks.ts";
import { withRedis } from "./redis-only.ts";

const PATH = "/api/pulp/debug/release-task-locks/";
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Takes away whatever is shown of a task, whoever shows it (service §10.5). */
const run = (call: Call): Promise<Outcome> => {
  const told = { worker_type: call.ctx.settings.WORKER_TYPE };
  return withRedis(call, { failure: "Failed to release task locks", told }, (redis) =>
    release(call, redis),
  );
};

async function release(call: Call, redis: Redis): Promise<Outcome> {
  const id = queryOf(call, "task_id").toLowerCase();
  if (id === "") return json(400, { error: "Missing required query parameter: task_id" });
  const task = UUID.test(id) ? (await lockTasks(call.ctx, [id])).get(id) : undefined;
  if (!task) return json(404, { error: `Task ${id} not found` });
  const { exclusive, shared } = resourcesOf(task.resources);
  const key = lockKeys.task(id);
  const [lock] = await readLocks(redis, [key]);
  // The task last: as long as its lock is there, the rest can be asked for again.
  const exclusiveDeleted = await deleteAll(redis, exclusive.map(lockKeys.resource));
  const sharedDeleted = await deleteAll(redis, shared.map(lockKeys.resource));
  const taskDeleted = await deleteAll(redis, [key]);
  const who = call.caller.user?.username ?? "-";
  call.ctx.log.warn(`Locks of task ${id} were released by ${JSON.stringify(who)}.`);
  return json(200, {
    message: "Successfully released locks for task",
    task_id: id,
    task_state: task.state,
    task_lock_holder: lock?.holders[0] ?? null,
    task_lock_deleted: taskDeleted > 0,
    exclusive_resources: exclusive,
    exclusive_resources_count: exclusive.length,
    exclusive_locks_deleted: exclusiveDeleted,
    shared_resources: shared,
    shared_resources_count: shared.length,
    shared_locks_deleted: sharedDeleted,
  });
}

/** How many were there. */
const deleteAll = async (redis: Redis, keys: readonly string[]): Promise<number> =>
  keys.length === 0 ? 0 : Number(await redis.send("DEL", ...keys));

const title = "Release the locks of a task";

export const releaseLocks = operation({ path: PATH, method: "POST", title, admits: isAdmin, run });

/** As tools ask for it. */
export const releaseLocksByGet = operation({
  path: PATH,
  operationId: "debug_release_task_locks_read",
  title,
  admits: isAdmin,
  run,
});
