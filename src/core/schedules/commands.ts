import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import type { Ctx, DomainRef, Trx } from "../ctx.ts";
import type { PluginSchedule } from "../plugin-contract.ts";
import { dispatch } from "../tasks/commands.ts";
import { FINAL_STATES } from "../tasks/types.ts";
import { scheduleErrors } from "./errors.ts";
import { type BuiltinSchedule, builtinSchedules } from "./rules.ts";

/** Advisory lock `(0, 42)` of everything about schedules (data-model §8). */
const LOCK = sql`pg_advisory_xact_lock(0, 42)`;
const TRY_LOCK = sql<boolean>`pg_try_advisory_xact_lock(0, 42)`;

/**
 * Makes the built-in schedules what the settings say, in the default domain. Tasks that no plugin
 * provides have no schedule.
 */
export async function syncBuiltinSchedules(ctx: Ctx): Promise<void> {
  await ctx.db.transaction().execute(async (trx) => {
    await sql`select ${LOCK}`.execute(trx);
    const domain = await trx
      .selectFrom("domain")
      .select("num")
      .where("name", "=", "default")
      .executeTakeFirst();
    if (!domain) return;
    const ofPlugins = ctx.plugins.all.flatMap(({ schedules = [] }) =>
      typeof schedules === "function" ? schedules(ctx.settings) : schedules,
    );
    await forgetOthers(ctx, trx, { domain: domain.num, ofPlugins });
    for (const schedule of [...builtinSchedules(ctx.settings), ...ofPlugins]) {
      if (schedule.minutes === 0) {
        await trx.deleteFrom("task_schedule").where("task_name", "=", schedule.taskName).execute();
      } else if (ctx.plugins.task(schedule.taskName)) {
        await upsert(ctx, trx, { domain: domain.num, schedule });
      }
    }
  });
}

/** Schedules of plugins that their settings do not name any more. */
async function forgetOthers(
  ctx: Ctx,
  trx: Trx,
  { domain, ofPlugins }: { readonly domain: number; readonly ofPlugins: readonly PluginSchedule[] },
): Promise<void> {
  const tasks = ctx.plugins.all.flatMap(({ schedules, tasks }) => (schedules ? tasks : []));
  await sql`delete from task_schedule where domain = ${domain}
    and task_name = any(${tasks.map(({ name }) => name)}::text[])
    and name <> all(${ofPlugins.map(({ name }) => name)}::text[])`.execute(trx);
}

/** A new schedule is due at once; one that exists keeps its phase. */
async function upsert(
  ctx: Ctx,
  trx: Trx,
  { domain, schedule }: { readonly domain: number; readonly schedule: BuiltinSchedule },
): Promise<void> {
  const sealed = ctx.secrets.seal(JSON.stringify(schedule.input));
  await sql`
    insert into task_schedule (id, domain, name, task_name, arguments, dispatch_interval, next_dispatch)
    values (${uuid7()}, ${domain}, ${schedule.name}, ${schedule.taskName}, ${sealed},
      make_interval(secs => ${schedule.minutes * 60}), clock_timestamp())
    on conflict (domain, name) do update set task_name = excluded.task_name,
      dispatch_interval = excluded.dispatch_interval, updated = clock_timestamp()
    where task_schedule.task_name <> excluded.task_name
      or task_schedule.dispatch_interval is distinct from excluded.dispatch_interval`.execute(trx);
}

/** Tasks that are due and whose last run has ended. */
const due = sql`
  s.next_dispatch <= clock_timestamp() and not exists (
    select from task t where t.id = s.last_task and t.state <> all(${[...FINAL_STATES]}::text[]))`;

/**
 * Dispatches every schedule that is due, each in a transaction of its own; one that cannot be
 * dispatched is logged, stays due and keeps no other.
 */
export async function dispatchDue(ctx: Ctx): Promise<void> {
  const { rows } = await sql<{ id: string; task_name: string }>`
    select s.id, s.task_name from task_schedule s where ${due} order by s.next_dispatch`.execute(
    ctx.db,
  );
  for (const { id, task_name } of rows) {
    await ctx.db
      .transaction()
      .execute((trx) => dispatchOne(ctx, trx, id))
      .catch((error) => {
        ctx.log.error(`Dispatching scheduled task ${task_name} failed. ${error}`);
      });
  }
}

interface DueSchedule {
  readonly task_name: string;
  readonly arguments: string | null;
  readonly domain: DomainRef;
}

/** Whoever does not get the lock leaves the schedule to the one that has it. */
async function dispatchOne(ctx: Ctx, trx: Trx, id: string): Promise<void> {
  const lock = await sql<{ isOurs: boolean }>`select ${TRY_LOCK} as "isOurs"`.execute(trx);
  if (!lock.rows[0]?.isOurs) return;
  const { rows } = await sql<DueSchedule>`
    select s.task_name, s.arguments,
      json_build_object('num', d.num, 'id', d.id, 'name', d.name) as domain
    from task_schedule s join domain d on d.num = s.domain
    where s.id = ${id} and ${due} for update of s`.execute(trx);
  const schedule = rows[0];
  if (!schedule) return;
  const task = ctx.plugins.task(schedule.task_name);
  if (!task) throw scheduleErrors.unknownTask(schedule.task_name);
  const input = schedule.arguments === null ? {} : JSON.parse(ctx.secrets.open(schedule.arguments));
  const correlationId = randomUUID().replaceAll("-", "");
  const caller = { domain: schedule.domain, user: null, correlationId };
  const dispatched = await dispatch(ctx, { task, input, caller, immediate: false }, trx);
  // Whole intervals are added, so a schedule keeps its phase and a pause costs one run, not many.
  await sql`
    update task_schedule set last_task = ${dispatched.id}, updated = clock_timestamp(),
      next_dispatch = next_dispatch + make_interval(secs =>
        extract(epoch from dispatch_interval)::float8 * ceil(greatest(
          extract(epoch from clock_timestamp() - next_dispatch)
            / nullif(extract(epoch from dispatch_interval), 0), 1)))
    where id = ${id}`.execute(trx);
}
