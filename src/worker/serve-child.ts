import { mkdir, rm } from "node:fs/promises";
import { within } from "#base/ambient.ts";
import type { Ctx } from "#core/ctx.ts";
import { taskDirectory } from "#core/tasks/job.ts";
import { runTask } from "#core/tasks/run.ts";
import type { Outcome } from "#core/tasks/types.ts";
import { diagnosed } from "./diagnostics/diagnose.ts";
import type { ChildMessage, RunMessage } from "./messages.ts";

/**
 * The child's side: runs the tasks that the supervisor sends, one at a time, until it hangs up.
 *
 * @param onTaskEnd runs before the outcome of a task is told
 *
 * SIGUSR1 aborts the running task. The signals of a terminal reach the whole process group, so the
 * first of each is left to the supervisor.
 */
export async function serveChild(ctx: Ctx, onTaskEnd = () => {}): Promise<void> {
  let running: AbortController | undefined;
  process.on("SIGUSR1", () => running?.abort());
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => undefined);
  }
  process.on("message", async ({ task, owner }: RunMessage) => {
    running = new AbortController();
    const outcome = await runAlone(asSlot(ctx, owner), task, running.signal);
    running = undefined;
    onTaskEnd();
    tell({ kind: "outcome", task: task.id, outcome, rssBytes: process.memoryUsage.rss() });
  });
  const hungUp = new Promise<void>((resolve) => {
    process.once("disconnect", resolve);
    // The supervisor may have died while this process started.
    if (!process.connected) resolve();
  });
  tell({ kind: "ready" });
  await hungUp;
  // Nobody is left to record the task, and soon somebody else will have its resources.
  if (running) process.kill(process.pid, "SIGKILL");
}

/** Acts with the record of the slot: ownership is the slot's. */
const asSlot = (ctx: Ctx, owner: RunMessage["owner"]): Ctx => ({
  ...ctx,
  process: { ...ctx.process, kind: "worker", id: owner.id, name: owner.name },
});

async function runAlone(ctx: Ctx, task: RunMessage["task"], signal: AbortSignal): Promise<Outcome> {
  const home = process.cwd();
  const directory = taskDirectory(ctx, task.id);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  process.chdir(directory);
  try {
    return await within({ correlationId: task.cid }, () =>
      diagnosed(ctx, task, (own) => runTask(own, task, signal)),
    );
  } finally {
    process.chdir(home);
    await rm(directory, { recursive: true, force: true });
  }
}

/** Says something to the supervisor. */
export function tell(message: ChildMessage): void {
  // A supervisor that has gone is noticed by the disconnect.
  process.send?.(message, undefined, undefined, () => undefined);
}
