import { Type } from "@sinclair/typebox";
import { uuid7 } from "#base/uuid7.ts";
import type { Ctx } from "#core/ctx.ts";
import { defineTask } from "#core/plugin-contract.ts";
import { dispatch } from "#core/tasks/commands.ts";
import type { DispatchRequest } from "#core/tasks/types.ts";
import type { TestContextValue } from "../../support/context.ts";

/** Does nothing; workers are played by the tests. */
export const idle = defineTask({
  name: "test.idle",
  label: "test",
  input: Type.Object({}),
  run: () => Promise.resolve(null),
});

/** A worker slot as the queue sees it. */
export async function registerWorker(ctx: Ctx, ttlSeconds = 30): Promise<string> {
  const id = uuid7();
  await ctx.db
    .insertInto("app_process")
    .values({ id, kind: "worker", name: `w-${id}`, versions: "{}", ttl_seconds: ttlSeconds })
    .execute();
  return id;
}

type Names = Pick<DispatchRequest, "exclusive" | "shared" | "versions" | "group" | "deferred">;

/** Queues a task that does nothing. */
export const queueIdle = async (world: TestContextValue, names: Names = {}): Promise<string> =>
  (await dispatch(world.ctx, { task: idle, input: {}, caller: world.caller, ...names })).id;

export const taskRow = ({ ctx }: TestContextValue, id: string) =>
  ctx.db.selectFrom("task").selectAll().where("id", "=", id).executeTakeFirstOrThrow();

/** Rows that an empty queue does not have. */
export async function leftovers({ ctx }: TestContextValue): Promise<number> {
  const tables = ["task_queue", "task_held", "task_wait"] as const;
  const counts = await Promise.all(
    tables.map((table) =>
      ctx.db
        .selectFrom(table)
        .select((eb) => eb.fn.countAll<number>().as("n"))
        .executeTakeFirstOrThrow(),
    ),
  );
  return counts.reduce((sum, { n }) => sum + Number(n), 0);
}
