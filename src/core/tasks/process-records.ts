import { sql } from "kysely";
import type { HotStatement } from "#platform/db/hot.ts";
import type { Ctx, ProcessIdentity } from "../ctx.ts";
import { ownRelease } from "./queue.ts";
import type { ProcessKind, TaskState } from "./table.ts";

/** A task that is owned by one of the processes that beat. */
export interface OwnedTask {
  readonly owner: string;
  readonly seq: number;
  readonly task: string;
  readonly state: TaskState;
  /** Since it started, by the clock of the database. */
  readonly age_seconds: number;
}

/** What a process learns with each beat, in one statement. */
export interface Beat {
  /** Records that exist; the others were removed as missing. */
  readonly alive: readonly string[];
  readonly owned: readonly OwnedTask[];
  readonly is_schedule_due: boolean;
  /** Some process, or the owner of some task, has gone. */
  readonly is_someone_missing: boolean;
  readonly is_work_ready: boolean;
  readonly is_work_parked: boolean;
}

/** Longest an owner without a record may be on its way to get one. */
const UNKNOWN_OWNER_SECONDS = 30;

const beatStatement: HotStatement<Beat> = {
  name: "process_beat",
  text: `
    with beat as (
      update app_process set last_heartbeat = clock_timestamp(), updated = clock_timestamp()
      where id = any($1::uuid[]) returning id)
    select array(select id::text from beat) as alive,
      (select coalesce(jsonb_agg(jsonb_build_object('owner', q.owner, 'seq', q.seq,
          'task', q.task, 'state', t.state,
          'age_seconds', extract(epoch from clock_timestamp() - t.started_at))), '[]')
        from task_queue q join task t on t.id = q.task where q.owner = any($1::uuid[])) as owned,
      exists (select from task_schedule where next_dispatch <= clock_timestamp())
        as is_schedule_due,
      exists (select from app_process where id <> all($1::uuid[])
          and last_heartbeat + make_interval(secs => ttl_seconds) < clock_timestamp())
        or exists (select from task_queue q join task t on t.id = q.task
          where q.owner is not null and not exists (select from app_process p where p.id = q.owner)
            and t.started_at < clock_timestamp() - make_interval(secs => ${UNKNOWN_OWNER_SECONDS}))
        as is_someone_missing,
      exists (select from task_queue where pending = 0 and owner is null and release <= $2)
        as is_work_ready,
      exists (select from task_queue where parked) as is_work_parked`,
};

/** Says that the processes are alive (data-model §18, 12). */
export async function beat(ctx: Ctx, ids: readonly string[]): Promise<Beat> {
  const [row] = await ctx.hot.query(beatStatement, [ids, ownRelease(ctx)]);
  if (!row) throw new Error("A heartbeat returned no row.");
  return row;
}

/** Puts processes among the online ones; those that are there stay as they are. */
export async function registerProcesses(
  ctx: Ctx,
  processes: readonly ProcessIdentity[],
): Promise<void> {
  const rows = processes.map(({ id, kind, name, versions }) => ({
    id,
    kind,
    name,
    versions: JSON.stringify(versions),
    ttl_seconds: ttlSeconds(ctx, kind),
    release: ownRelease(ctx),
  }));
  await ctx.db
    .insertInto("app_process")
    .values(rows)
    .onConflict((conflict) => conflict.column("id").doNothing())
    .execute();
}

export async function removeProcesses(ctx: Ctx, ids: readonly string[]): Promise<void> {
  await ctx.db.deleteFrom("app_process").where("id", "in", ids).execute();
}

export function ttlSeconds({ settings }: Ctx, kind: ProcessKind): number {
  const ttls = {
    api: settings.API_APP_TTL,
    content: settings.CONTENT_APP_TTL,
    worker: settings.WORKER_TTL,
  };
  return ttls[kind];
}

const BEATS_PER_TTL: Readonly<Record<ProcessKind, number>> = { api: 3, content: 4, worker: 3 };

/** Time between beats (core-tasks-ops §15.2). */
export const beatIntervalMs = (ctx: Ctx, kind: ProcessKind): number =>
  Math.floor((ttlSeconds(ctx, kind) * 1000) / BEATS_PER_TTL[kind]);

export interface MissingProcess {
  readonly id: string;
  readonly kind: ProcessKind;
  readonly name: string;
}

/** Processes that were silent for longer than they promised, by the clock of the database. */
export async function missingProcesses(ctx: Ctx): Promise<readonly MissingProcess[]> {
  const { rows } = await sql<MissingProcess>`
    select id, kind, name from app_process
    where last_heartbeat + make_interval(secs => ttl_seconds) < clock_timestamp()`.execute(ctx.db);
  return rows;
}

/** Removes a record unless its process came back; true if it is gone. */
export async function removeMissing(ctx: Ctx, id: string): Promise<boolean> {
  const { rows } = await sql`
    delete from app_process
    where id = ${id} and last_heartbeat + make_interval(secs => ttl_seconds) < clock_timestamp()
    returning id`.execute(ctx.db);
  return rows.length > 0;
}

export interface AbandonedTask {
  readonly seq: number;
  readonly task: string;
  readonly owner: string;
}

/** Tasks of these owners, and of owners that have no record and did not get one in time. */
export async function abandonedTasks(
  ctx: Ctx,
  owners: readonly string[],
): Promise<readonly AbandonedTask[]> {
  const { rows } = await sql<AbandonedTask>`
    select q.seq, q.task, q.owner from task_queue q join task t on t.id = q.task
    where q.owner = any(${owners}::uuid[])
      or (q.owner is not null and not exists (select from app_process p where p.id = q.owner)
        and t.started_at < clock_timestamp() - make_interval(secs => ${UNKNOWN_OWNER_SECONDS}))
    order by q.seq`.execute(ctx.db);
  return rows;
}
