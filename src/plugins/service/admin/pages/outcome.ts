import { sql } from "#sdk";
import type { Outcome, Visit } from "../visits.ts";

interface Told {
  /** `the group “x”` */
  readonly what: string;
  /** `was changed` */
  readonly done: string;
  readonly outcome: Outcome | undefined;
}

/** What became of a change, in a sentence; changes that take a task may be under way, or fail. */
export async function outcomeText({ call }: Visit, { what, done, outcome }: Told): Promise<string> {
  const task = taskOf(outcome);
  const capital = `${what.charAt(0).toUpperCase()}${what.slice(1)}`;
  if (task === undefined) return `${capital} ${done}.`;
  const { rows } = await sql<{ state: string; reason: string | null }>`
    select state, error ->> 'description' as reason from task where id = ${task}::uuid`.execute(
    call.ctx.db,
  );
  const [row] = rows;
  if (!row || row.state === "completed") return `${capital} ${done}.`;
  if (row.state === "failed") return `Nothing came of it: ${row.reason ?? "the task failed"}.`;
  return `A task is at work on ${what}: ${task}.`;
}

/** The task of an outcome, in whatever form it is told. */
function taskOf(outcome: Outcome | undefined): string | undefined {
  if (outcome?.kind === "task") return outcome.task;
  if (outcome?.kind !== "json") return undefined;
  const { task } = outcome.body as { readonly task?: string };
  return typeof task === "string" ? /\/tasks\/([\da-f-]{36})\/$/.exec(task)?.[1] : undefined;
}
