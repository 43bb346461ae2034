import { setTimeout as sleep } from "node:timers/promises";
import { databaseFault } from "../constraints.ts";
import type { Ctx } from "../ctx.ts";
import { taskErrors } from "./errors.ts";
import { type Finished, finishTask } from "./queue.ts";
import type { Outcome } from "./types.ts";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

const NETWORK = /^(ECONN|EPIPE|ENOENT|ETIMEDOUT|EHOST|ENET|EAI_)/;
const BROKEN = /connection terminated|connection error|timeout exceeded when trying to connect/i;

/** A database that is away, full, shutting down, or for the moment read-only: it comes back. */
export function isPassing(error: unknown): boolean {
  const fault = databaseFault(error);
  if (fault) return /^(08|53|57P|40)/.test(fault.code) || fault.code === "25006";
  if (!(error instanceof Error)) return false;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return NETWORK.test(code) || BROKEN.test(error.message);
}

/** Repeats work until the database answers it; every other error is thrown. */
export async function untilAnswered<Result>(
  work: () => Promise<Result>,
  options: { readonly ctx: Ctx; readonly what: string; readonly signal?: AbortSignal },
): Promise<Result> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error) || options.signal?.aborted) throw error;
      options.ctx.log.warn(`${options.what} has to be repeated: ${error}`);
      await sleep(pause * (0.5 + Math.random()), undefined, { signal: options.signal });
    }
  }
}

/** Says `handle` once for any number of tasks: idle workers wake one another. */
export function announce(ctx: Ctx, ready: number): void {
  if (ready > 0) ctx.notifier.notify("pulp_worker_wakeup", "handle");
}

/**
 * Records how a task ended, however long the database is away: while this process lives, nobody
 * else may end the task.
 */
export async function recordOutcome(
  ctx: Ctx,
  held: { readonly seq: number; readonly owner: string; readonly signal?: AbortSignal },
  outcome: Outcome,
): Promise<Finished> {
  const options = {
    ctx,
    what: "Recording the end of a task",
    ...(held.signal ? { signal: held.signal } : {}),
  };
  const record = (final: Outcome) => untilAnswered(() => finishTask(ctx, held, final), options);
  const finished = await record(outcome).catch((error) => {
    if (isPassing(error)) throw error;
    ctx.log.error(`The end of a task could not be recorded as it is: ${error}`);
    return record(unrecordable);
  });
  announce(ctx, finished.unblocked);
  return finished;
}

const unrecordable: Outcome = {
  state: "failed",
  error: {
    description: taskErrors.internal().message,
    traceback: "",
    error_code: taskErrors.internal.spec.code,
  },
};
