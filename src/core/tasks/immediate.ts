import type { Ctx } from "../ctx.ts";
import { removeIncomplete } from "./cleanup.ts";
import { recordOutcome } from "./outcome.ts";
import { runTask } from "./run.ts";
import type { ClaimedTask } from "./types.ts";

/** Tasks that run inside a process, by its id, since a request may have a context of its own. */
const running = new Map<string, Set<string>>();

/** The heartbeat ends tasks of its process that are not among these. */
export const runningHere = (ctx: Ctx): ReadonlySet<string> =>
  running.get(ctx.process.id) ?? new Set();

/** From before the task is in the queue until its end is recorded, this process answers for it. */
export function answerFor({ process: { id } }: Ctx, taskId: string): Disposable {
  const tasks = running.get(id) ?? new Set();
  running.set(id, tasks.add(taskId));
  return {
    [Symbol.dispose]() {
      tasks.delete(taskId);
      if (tasks.size === 0) running.delete(id);
    },
  };
}

/** Runs a task that this process owns and records how it ended. */
export async function runHere(ctx: Ctx, task: ClaimedTask): Promise<void> {
  // Nobody can ask this process to stop: a cancellation is honoured when the call returns.
  const outcome = await runTask(ctx, task, new AbortController().signal);
  if (outcome.state !== "completed") await cleanUp(ctx, task);
  await recordOutcome(ctx, { seq: task.seq, owner: ctx.process.id }, outcome);
}

/** A database that is away keeps what the task began; the end of the task matters more. */
async function cleanUp(ctx: Ctx, { id }: ClaimedTask): Promise<void> {
  await removeIncomplete(ctx, { task: id, owner: ctx.process.id }).catch((error) =>
    ctx.log.error(`What task ${id} left was not removed: ${error}`),
  );
}
