import { fileURLToPath } from "node:url";
import { openListeners } from "#core/events/commands.ts";
import { type StopMode, startWorker, type Worker, type WorkerOptions } from "#worker/supervisor.ts";
import type { Runtime } from "./runtime.ts";

const childEntry = {
  file: fileURLToPath(new URL("../bin/task-child.ts", import.meta.url)),
  args: [],
};

export type { StopMode, Worker };

/** Starts the supervisor of the task slots; its tasks run in children. */
export function serveWorker(
  runtime: Runtime,
  options: Omit<WorkerOptions, "childEntry"> = {},
): Worker {
  const ctx = runtime.createCtx("worker");
  openListeners(ctx);
  return startWorker(ctx, { childEntry, ...options });
}
