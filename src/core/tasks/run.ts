import { setTimeout as sleep } from "node:timers/promises";
import { Value } from "@sinclair/typebox/value";
import { CodedError, ValidationError } from "#base/errors.ts";
import type { Ctx } from "../ctx.ts";
import type { TaskDefinition } from "../plugin-contract.ts";
import { Redaction } from "../redaction.ts";
import { openArguments } from "./arguments.ts";
import { taskErrors } from "./errors.ts";
import { clean, describeFailure, errorName, errorText } from "./failure.ts";
import { openJob } from "./job.ts";
import { resultText } from "./result.ts";
import { IMMEDIATE_LIMIT_MS } from "./rules.ts";
import type { TaskError } from "./table.ts";
import type { ClaimedTask, Outcome } from "./types.ts";

/** How long an aborted body may take to leave before its locks go to the next task. */
const LEAVE_MS = 1000;

/**
 * Runs the body of a claimed task to its end. Never rejects: what went wrong is the outcome. The
 * caller records it, since only the owner of the task can.
 */
export async function runTask(ctx: Ctx, task: ClaimedTask, signal: AbortSignal): Promise<Outcome> {
  const redaction = new Redaction();
  const log = redaction.log(ctx.log.named("pulpcore.tasking.tasks").of(task.cid));
  const flags = `immediate: ${python(task.immediate)}, deferred: ${python(task.deferred)}`;
  const about = `in domain: ${task.domain_name}, task_type: ${task.name}, ${flags}`;
  const started = performance.now();
  log.info(`Starting task id: ${task.id} ${about}, worker: ${ctx.process.name}`);
  try {
    const own = { log: redaction.log(ctx.log.of(task.cid)), http: redaction.http(ctx.http) };
    const value = await runBody({ ...ctx, ...own }, task, signal);
    const result = serialise(task, value);
    const micros = Math.round((performance.now() - started) * 1000);
    log.info(`Task completed ${task.id} ${about}, execution_time: ${micros} μs`);
    return { state: "completed", result };
  } catch (error) {
    const what = clean(`${errorName(error)}: ${errorText(error)}`);
    log.info(`Task[${task.name}] ${task.id} failed (${what}) in domain: ${task.domain_name}`);
    if (isForeseen(error) || signal.aborted) {
      if (error instanceof Error && error.stack) log.info(clean(error.stack));
    } else log.unhandled(error, { place: "task", domain: task.domain_name, task: task.id });
    return {
      state: signal.aborted ? "canceled" : "failed",
      error: withoutSecrets(
        describeFailure(error, ctx.settings.REDACT_UNSAFE_EXCEPTIONS),
        redaction,
      ),
    };
  }
}

/** Errors of ours have a code, and what went wrong is no defect. */
const isForeseen = (error: unknown): boolean =>
  error instanceof CodedError || error instanceof ValidationError;

/** The trace names places only. */
const withoutSecrets = (
  { description = "", ...error }: TaskError,
  { mask }: Redaction,
): TaskError => ({
  ...error,
  description: mask(description),
});

async function runBody(ctx: Ctx, task: ClaimedTask, signal: AbortSignal): Promise<unknown> {
  const definition = ctx.plugins.task(task.name);
  if (!definition) throw taskErrors.missingPlugin(task.name);
  if (task.immediate && definition.immediate !== true) throw taskErrors.notImmediate(task.name);
  const { input, caller: remembered } = openArguments(ctx, task);
  checkInput(definition, input);

  const limit = new AbortController();
  const either = AbortSignal.any([signal, limit.signal]);
  await using job = openJob(ctx, task, { remembered, signal: either });
  const body = Promise.resolve(definition.run(job, input));
  if (!task.immediate) return await body;
  return await withinLimit(task, { body, limit });
}

/** A body in a process that does other work cannot be stopped, only left behind. */
async function withinLimit(
  task: ClaimedTask,
  run: { readonly body: Promise<unknown>; readonly limit: AbortController },
): Promise<unknown> {
  const done = new AbortController();
  const outcome = run.body.finally(() => done.abort());
  const late = sleep(IMMEDIATE_LIMIT_MS, "late" as const, { signal: done.signal }).catch(
    () => "done" as const,
  );
  const first = await Promise.race([late, outcome.then(settled, settled)]);
  if (first !== "late") return outcome;
  run.limit.abort();
  await Promise.race([outcome.then(settled, settled), sleep(LEAVE_MS)]);
  throw taskErrors.immediateTimeout(task.id, task.name, IMMEDIATE_LIMIT_MS / 1000);
}

const settled = () => "done" as const;

export function checkInput(definition: TaskDefinition, input: unknown): void {
  if (Value.Check(definition.input, input)) return;
  const first = Value.Errors(definition.input, input).First();
  throw taskErrors.input(definition.name, first?.path ?? "", first?.message ?? "is not valid");
}

function serialise(task: ClaimedTask, value: unknown): string {
  try {
    return resultText(value);
  } catch (error) {
    throw taskErrors.result(task.name, errorText(error));
  }
}

const python = (value: boolean): string => (value ? "True" : "False");
