import { type Ctx, sql } from "#sdk";

/** A task that a lock is about. */
export interface LockTask {
  readonly id: string;
  readonly state: string;
  readonly name: string;
  /** As in its record: shared ones with `shared:` in front. */
  readonly resources: readonly string[];
  /** Name of the process that has it. */
  readonly app_lock: string | null;
  /** Something happened to it in the last minute: what shows it may be late. */
  readonly is_young: boolean;
}

/** Tasks by id, with one statement; those that are not there are left out. */
export async function lockTasks(
  { db }: Ctx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, LockTask>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<LockTask>`
    select t.id, t.state, t.name, t.resources, p.name as app_lock,
      greatest(t.created, t.started_at, t.finished_at) > clock_timestamp() - interval '1 minute'
        as is_young
    from task t left join task_queue q on q.task = t.id left join app_process p on p.id = q.owner
    where t.id = any(${ids}::uuid[])`.execute(db);
  return new Map(rows.map((row) => [row.id, row]));
}

/** Why a lock of somebody who is there stands for nothing; undefined if it stands for something. */
export function abandonment(task: LockTask | undefined): string | undefined {
  if (!task) return "The task is not there.";
  if (task.is_young) return undefined;
  if (["completed", "failed", "canceled", "skipped"].includes(task.state)) {
    return `The task is ${task.state}.`;
  }
  return task.state === "waiting" && task.app_lock === null
    ? "The task waits, and nobody has taken it."
    : undefined;
}

/** Resources that processes are at work with, as `<holder> <resource>`. */
export async function resourcesInUse(
  { db }: Ctx,
  holders: readonly string[],
): Promise<ReadonlySet<string>> {
  if (holders.length === 0) return new Set();
  const { rows } = await sql<{ holder: string; resources: readonly string[] }>`
    select p.name as holder, t.resources from task_queue q join task t on t.id = q.task
      join app_process p on p.id = q.owner where p.name = any(${holders}::text[])`.execute(db);
  return new Set(
    rows.flatMap(({ holder, resources }) =>
      resources.map((name) => `${holder} ${name.replace(/^shared:/, "")}`),
    ),
  );
}

/** An incomplete task that wants a resource. */
export interface Wanting {
  readonly task_id: string;
  readonly state: string;
  readonly name: string;
  readonly pulp_created: string;
  readonly app_lock: string | null;
}

/** Of a longer queue only the head is looked at. */
const MOST_QUEUED = 10_000;
const MOST_PER_RESOURCE = 10;

/** Incomplete tasks by the resources that they want, the oldest ten of each. */
export async function tasksWanting(
  { db }: Ctx,
  resources: readonly string[],
): Promise<Readonly<Record<string, readonly Wanting[]>>> {
  if (resources.length === 0) return {};
  const { rows } = await sql<Wanting & { resource: string }>`
    select resource, task_id, state, name, pulp_created, app_lock from (
      select w.resource, t.id as task_id, t.state, t.name, p.name as app_lock,
        to_char(t.created at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as pulp_created,
        row_number() over (partition by w.resource order by q.seq) as place
      from (select task, owner, seq from task_queue order by seq limit ${MOST_QUEUED}) q
        join task t on t.id = q.task left join app_process p on p.id = q.owner
        cross join lateral (select distinct case when starts_with(r, 'shared:') then substr(r, 8)
          else r end as resource from unnest(t.resources) r) w
      where w.resource = any(${resources}::text[])) found
    where place <= ${MOST_PER_RESOURCE} order by resource, place`.execute(db);
  const found: Record<string, Wanting[]> = {};
  for (const { resource, ...task } of rows) {
    found[resource] ??= [];
    found[resource].push(task);
  }
  return found;
}
