import type { Ctx } from "../ctx.ts";
import { removeIncomplete } from "./cleanup.ts";
import { recordOutcome } from "./outcome.ts";
import { runTask } from "./run.ts";
import type { ClaimedTask } from "./types.ts";

/** Tasks that run inside this process, by its context; the heartbeat ends those it does not know. */
const running = new WeakMap<Ctx, Set<string>>();

export const runningHere = (ctx: Ctx): ReadonlySet<string> => running.get(ctx) ?? new Set();

/** From before the task is in the queue until its end is recorded, this process answers for it. */
export function answerFor(ctx: Ctx, taskId: string): Disposable {
  const ids = running.get(ctx) ?? new Set();
  running.set(ctx, ids.add(taskId));
  return { [Symbol.dispose]: () => void ids.delete(taskId) };
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
