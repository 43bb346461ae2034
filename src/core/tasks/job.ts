import { mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Caller, Ctx, Trx } from "../ctx.ts";
import type { CreatedResource, Job, Progress, ProgressSpec } from "../plugin-contract.ts";
import type { Remembered } from "./arguments.ts";
import { Report } from "./progress.ts";
import { folderName } from "./rules.ts";
import type { ClaimedTask } from "./types.ts";

/** The job of one run; disposing it writes open reports and removes the working directory. */
export interface RunningJob extends Job, AsyncDisposable {}

/** Where a process keeps the files of its tasks. */
export const processDirectory = (ctx: Ctx): string =>
  join(ctx.settings.WORKING_DIRECTORY, folderName(ctx.process.name));

export const taskDirectory = (ctx: Ctx, taskId: string): string =>
  join(processDirectory(ctx), taskId);

/** @param remembered of the request that dispatched it. */
export function openJob(
  ctx: Ctx,
  task: ClaimedTask,
  { remembered, signal }: { readonly remembered: Remembered; readonly signal: AbortSignal },
): RunningJob {
  const directory = taskDirectory(ctx, task.id);
  const reports = new Map<string, Report>();
  let created = 0;
  let hasDirectory = false;
  return {
    ctx,
    taskId: task.id,
    ...(task.task_group ? { groupId: task.task_group } : {}),
    caller: { ...callerOf(task), ...remembered },
    signal,
    progress(spec: ProgressSpec): Progress {
      const known = reports.get(spec.code);
      if (known) return known.reopen(spec);
      const report = new Report(ctx, { task: task.id, spec, position: reports.size }, signal);
      reports.set(spec.code, report);
      return report;
    },
    created(resource: CreatedResource, trx?: Trx): Promise<void> {
      created += 1;
      return saveCreated(trx ?? ctx.db, { task: task.id, position: created, ...resource });
    },
    get workingDirectory() {
      if (!hasDirectory) mkdirSync(directory, { recursive: true, mode: 0o700 });
      hasDirectory = true;
      return directory;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...reports.values()].map((report) => report.settle()));
      if (hasDirectory) await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Context that the dispatcher had; what the task dispatches is its child. */
function callerOf(task: ClaimedTask): Caller {
  const user =
    task.user_id === null || task.username === null
      ? null
      : {
          id: task.user_id,
          username: task.username,
          isSuperuser: task.is_superuser === true,
          isActive: task.is_active === true,
        };
  return {
    domain: { num: task.domain_num, id: task.domain_id, name: task.domain_name },
    user,
    correlationId: task.cid,
    ...(task.profile_options ? { profileOptions: task.profile_options } : {}),
    parentTask: task.id,
  };
}

async function saveCreated(
  db: Ctx["db"] | Trx,
  row: CreatedResource & { readonly task: string; readonly position: number },
): Promise<void> {
  const { task, position, model, object, path } = row;
  await db.insertInto("created_resource").values({ task, position, model, object, path }).execute();
}
