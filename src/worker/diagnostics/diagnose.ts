import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { saveArtifact } from "#core/artifacts/commands.ts";
import type { Ctx } from "#core/ctx.ts";
import { taskDirectory } from "#core/tasks/job.ts";
import type { ClaimedTask, Outcome } from "#core/tasks/types.ts";
import type { Recorder, Recording } from "./recorder.ts";
import { recordCpu, recordHeap, recordMemory } from "./recorders.ts";
import { recordLog } from "./task-log.ts";

const ALIASES: Readonly<Record<string, string>> = { cpu: "pyinstrument", heap: "memray" };
const KNOWN = ["memory", "pyinstrument", "memray", "logs", "debug-logs"];
const canonical = (name: string): string => ALIASES[name] ?? name;

/**
 * Runs a task with the diagnostics that it was dispatched with and the settings allow. What they made
 * is kept however the task ends; without any, nothing is done (core-tasks-ops §14).
 */
export async function diagnosed(
  ctx: Ctx,
  task: ClaimedTask,
  run: (ctx: Ctx) => Promise<Outcome>,
): Promise<Outcome> {
  const wanted = wantedOf(ctx, task);
  if (wanted.size === 0) return await run(ctx);
  const recorders: Recorder[] = [];
  let log = ctx.log;
  if (wanted.has("logs") || wanted.has("debug-logs")) {
    const recording = recordLog(log, wanted.has("debug-logs"));
    log = recording.log;
    recorders.push(recording);
  }
  if (wanted.has("memory")) recorders.push(await recordMemory());
  if (wanted.has("memray")) recorders.push(await recordHeap(taskDirectory(ctx, task.id)));
  if (wanted.has("pyinstrument")) recorders.push(await recordCpu());
  const outcome = await run({ ...ctx, log });
  // The last that began is the first to end, so that none measures the end of another.
  for (const recorder of recorders.toReversed()) {
    try {
      for (const recording of await recorder.stop()) await keep(ctx, task, recording);
    } catch (error) {
      ctx.log.of(task.cid).warn(`A diagnosis of task ${task.id} was not kept: ${error}`);
    }
  }
  return outcome;
}

function wantedOf(ctx: Ctx, { profile_options, cid }: ClaimedTask): ReadonlySet<string> {
  const asked = [...new Set((profile_options ?? []).map(canonical))];
  const allowed = new Set(ctx.settings.TASK_DIAGNOSTICS.map(canonical));
  const isThere = (name: string) => KNOWN.includes(name) && allowed.has(name);
  const others = asked.filter((name) => !isThere(name));
  if (others.length > 0) {
    const text = `Requested task diagnostic profilers are not available: ${others.join(", ")}`;
    ctx.log.of(cid).warn(text);
  }
  return new Set(asked.filter(isThere));
}

async function keep(ctx: Ctx, task: ClaimedTask, recording: Recording): Promise<void> {
  const domain = { num: task.domain_num, id: task.domain_id, name: task.domain_name };
  await using file = await ctx.storage(domain).beginFile();
  const bytes =
    "file" in recording ? createReadStream(recording.file) : Readable.from([recording.text]);
  await pipeline(bytes, file.sink);
  const { id } = await saveArtifact(ctx, domain, { file, sealed: await file.seal() });
  await ctx.db
    .insertInto("profile_artifact")
    .values({ task: task.id, name: recording.name, domain: domain.num, artifact: id })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
