import { Type } from "@sinclair/typebox";
import { sql } from "kysely";
import { fieldError } from "#base/errors.ts";
import type { Ctx } from "../ctx.ts";
import { defineTask, type Job, type Progress } from "../plugin-contract.ts";
import { FINAL_STATES } from "./table.ts";

const SLICE = 1000;
const MINUTE_MS = 60_000;

/**
 * Removes old final tasks (core-tasks-ops §11). With `everywhere`, as the schedule does: of every
 * domain and user, as old as `TASK_PROTECTION_TIME`. Otherwise those of the caller's domain that the
 * caller may delete.
 */
export const purgeTasks = defineTask({
  name: "pulpcore.app.tasks.purge.purge",
  label: "core",
  input: Type.Object({
    /** ISO 8601. */
    finished_before: Type.Optional(Type.String()),
    states: Type.Optional(Type.Array(Type.Union(FINAL_STATES.map((state) => Type.Literal(state))))),
    everywhere: Type.Optional(Type.Boolean()),
  }),
  async run(job, { finished_before, states = [...FINAL_STATES], everywhere = false }) {
    const before = finished_before ?? protectedSince(job.ctx);
    if (Number.isNaN(Date.parse(before))) throw fieldError("finished_before", "Not a date.");
    const { user, domain } = job.caller;
    if (!everywhere && !user) return null;
    const domains = everywhere ? await allDomains(job.ctx) : [domain.num];
    const limit = everywhere || user?.isSuperuser ? null : (user?.id ?? null);
    await purge(
      job,
      domains.map((num) => ({ before, states, domain: num, user: limit })),
    );
    return null;
  },
});

interface Selection {
  readonly before: string;
  readonly states: readonly string[];
  readonly domain: number;
  /** Only tasks that this user may delete; null is no such limit. */
  readonly user: number | null;
}

const protectedSince = ({ clock, settings }: Ctx): string =>
  new Date(clock.now() - settings.TASK_PROTECTION_TIME * MINUTE_MS).toISOString();

async function allDomains({ db }: Ctx): Promise<number[]> {
  const rows = await db.selectFrom("domain").select("num").orderBy("num").execute();
  return rows.map(({ num }) => num);
}

const selected = ({ before, states, domain, user }: Selection) => sql`
  t.state = any(${states}::text[]) and t.finished_at < ${before}::timestamptz
  and t.domain = ${domain}
  and (${user}::int is null or t.user_id = ${user} or exists (
    select from role_assignment a
    join role_permission p on p.role = a.role and p.permission = 'core.delete_task'
    where a.subject in (
        select ${user}::int union all select -app_group from group_member where app_user = ${user})
      and (a.object = t.id or (a.object is null and (a.domain is null or a.domain = t.domain)))))`;

/** What goes with a task, by the names that reports of purges have. */
const SATELLITES = {
  "core.ProgressReport": sql`select 1 from task_progress where task = any(ids.list)`,
  "core.CreatedResource": sql`select 1 from created_resource where task = any(ids.list)`,
  "core.UserRole": sql`select 1 from role_assignment where object = any(ids.list)`,
} as const;
type Satellite = keyof typeof SATELLITES;

interface Reports {
  readonly total: Progress;
  readonly tasks: Progress;
  readonly others: Map<Satellite, Progress>;
}

async function purge(job: Job, selections: readonly Selection[]): Promise<void> {
  await using total = job.progress({
    code: "purge.tasks.total",
    message: "Purged task-objects total",
  });
  await using tasks = job.progress({
    code: "purge.tasks.key.core.Task",
    message: "Purged task-objects of type core.Task",
    total: await countTasks(job, selections),
  });
  const reports: Reports = { total, tasks, others: new Map() };
  for (const selection of selections) await purgeDomain(job, selection, reports);
  for (const report of [...reports.others.values(), tasks, total]) await report.finish();
}

async function countTasks({ ctx }: Job, selections: readonly Selection[]): Promise<number> {
  let count = 0;
  for (const selection of selections) {
    const { rows } = await sql<{ n: number }>`
      select count(*) as n from task t where ${selected(selection)}`.execute(ctx.db);
    count += rows[0]?.n ?? 0;
  }
  return count;
}

async function purgeDomain(job: Job, selection: Selection, reports: Reports): Promise<void> {
  let after: Position = { created: "-infinity", id: "00000000-0000-0000-0000-000000000000" };
  for (;;) {
    job.signal.throwIfAborted();
    const slice = await nextSlice(job, selection, after);
    const last = slice.at(-1);
    if (!last) return;
    after = last;
    const removed = await deleteSlice(job, slice).catch((error) => oneByOne(job, { slice, error }));
    reports.tasks.add(removed.tasks);
    reports.total.add(removed.tasks + removed.others.reduce((sum, [, n]) => sum + n, 0));
    for (const [name, n] of removed.others) countOther(job, reports.others, { name, n });
  }
}

interface Position {
  readonly created: string;
  readonly id: string;
}

interface Removed {
  readonly tasks: number;
  readonly others: readonly (readonly [Satellite, number])[];
}

/** In the order of creation, so that rows which stay are not looked at again. */
async function nextSlice(
  { ctx }: Job,
  selection: Selection,
  after: Position,
): Promise<readonly Position[]> {
  const { rows } = await sql<Position>`
    select t.created, t.id from task t
    where ${selected(selection)} and (t.created, t.id) > (${after.created}::timestamptz, ${after.id}::uuid)
    order by t.created, t.id limit ${SLICE}`.execute(ctx.db);
  return rows;
}

async function deleteSlice({ ctx }: Job, slice: readonly Position[]): Promise<Removed> {
  const ids = slice.map(({ id }) => id);
  return await ctx.db.transaction().execute(async (trx) => {
    const names = Object.keys(SATELLITES) as Satellite[];
    const counts = sql.join(
      names.map((name) => sql`(select count(*) from (${SATELLITES[name]}) x)`),
    );
    const counted = await sql<{ counts: readonly string[] }>`
      select array[${counts}]::bigint[] as counts from (select ${ids}::uuid[] as list) as ids`.execute(
      trx,
    );
    await sql`delete from role_assignment where object = any(${ids}::uuid[])`.execute(trx);
    const gone = await sql`delete from task where id = any(${ids}::uuid[])`.execute(trx);
    const others = names.map((name, i) => [name, Number(counted.rows[0]?.counts[i] ?? 0)] as const);
    return { tasks: Number(gone.numAffectedRows ?? 0n), others: others.filter(([, n]) => n > 0) };
  });
}

/** A row that cannot be deleted must not keep the others. */
async function oneByOne(
  job: Job,
  { slice, error }: { readonly slice: readonly Position[]; readonly error: unknown },
): Promise<Removed> {
  if (slice.length === 1) {
    job.ctx.log.warn(`Task ${slice[0]?.id} could not be purged: ${error}`);
    job.progress({ code: "purge.tasks.error", message: "Undeletable tasks" }).add(1);
    return { tasks: 0, others: [] };
  }
  let removed: Removed = { tasks: 0, others: [] };
  for (const position of slice) {
    const one = await deleteSlice(job, [position]).catch((cause) =>
      oneByOne(job, { slice: [position], error: cause }),
    );
    removed = { tasks: removed.tasks + one.tasks, others: [...removed.others, ...one.others] };
  }
  return removed;
}

function countOther(
  job: Job,
  reports: Map<Satellite, Progress>,
  { name, n }: { readonly name: Satellite; readonly n: number },
): void {
  const known =
    reports.get(name) ??
    job.progress({
      code: `purge.tasks.key.${name}`,
      message: `Purged task-objects of type ${name}`,
    });
  reports.set(name, known);
  known.add(n);
}
