import type { Ctx } from "../ctx.ts";
import { announce } from "./outcome.ts";
import { unparkTasks } from "./queue.ts";
import { satisfies } from "./version-order.ts";

const BATCH = 1000;

/** Frees the tasks that waited for a release like this one. */
export async function rejudgeParked(ctx: Ctx): Promise<void> {
  const parked = await ctx.db
    .selectFrom("task_queue")
    .innerJoin("task", "task.id", "task_queue.task")
    .select(["task_queue.seq", "task.versions"])
    .where("task_queue.parked", "=", true)
    .orderBy("task_queue.seq")
    .limit(BATCH)
    .execute();
  const possible = parked.filter(({ versions }) => satisfies(versions ?? {}, ctx.process.versions));
  if (possible.length === 0) return;
  const seqs = possible.map(({ seq }) => seq);
  announce(ctx, await unparkTasks(ctx, seqs));
}
