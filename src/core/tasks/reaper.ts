import { rm } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import type { Ctx } from "../ctx.ts";
import { removeIncomplete } from "./cleanup.ts";
import { announce } from "./outcome.ts";
import {
  abandonedTasks,
  type MissingProcess,
  missingProcesses,
  removeMissing,
} from "./process-records.ts";
import { finishTask } from "./queue.ts";
import { folderName, reasons } from "./rules.ts";

/**
 * Ends the tasks of processes that have gone, then removes their records, so that a reaper that
 * dies between the two leaves its work to the next. One process at a time does this; the others go
 * on at once.
 */
export async function reapMissing(ctx: Ctx): Promise<void> {
  await ctx.db.transaction().execute(async (lock) => {
    const { rows } = await sql<{ isOurs: boolean }>`
      select pg_try_advisory_xact_lock(0, 11) as "isOurs"`.execute(lock);
    if (!rows[0]?.isOurs) return;
    const missing = await missingProcesses(ctx);
    const tasks = await abandonedTasks(
      ctx,
      missing.map(({ id }) => id),
    );
    for (const task of tasks) await endAbandoned(ctx, task);
    for (const process of missing) await removeRecord(ctx, process);
  });
}

/** Also for a process that meets a task of its own that it knows nothing of. */
export async function endAbandoned(
  ctx: Ctx,
  task: { readonly seq: number; readonly task: string; readonly owner: string },
): Promise<void> {
  await removeIncomplete(ctx, task);
  const { unblocked } = await finishTask(ctx, task, {
    state: "failed",
    error: { reason: reasons.missing },
  });
  announce(ctx, unblocked);
}

async function removeRecord(ctx: Ctx, { id, kind, name }: MissingProcess): Promise<void> {
  if (!(await removeMissing(ctx, id))) return;
  ctx.log
    .named("pulpcore.tasking.worker")
    .info(`Cleanup record of missing ${kind} process ${name}.`);
  // A restarted container may have the name of the one before it, and its folder.
  const namesakes = await ctx.db
    .selectFrom("app_process")
    .select("id")
    .where("name", "=", name)
    .execute();
  if (namesakes.length > 0) return;
  const folder = join(ctx.settings.WORKING_DIRECTORY, folderName(name));
  await rm(folder, { recursive: true, force: true });
}
