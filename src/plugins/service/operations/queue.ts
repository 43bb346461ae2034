import type { JsonObject } from "#base/json.ts";
import { type Call, type Ctx, sql } from "#sdk";
import {
  json,
  numberIn,
  type Outcome,
  operation,
  queryOf,
  requireAdministrator,
} from "./endpoint.ts";

const FETCH_LIMIT = 20;

/** A task as the queue has it, in the words of the peer's tools. */
interface QueuedTask {
  readonly task_id: string;
  readonly state: string;
  readonly name: string;
  readonly logging_cid: string;
  readonly pulp_created: string;
  readonly unblocked_at: string | null;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly immediate: boolean;
  readonly deferred: boolean;
  readonly domain: string;
  readonly versions: Readonly<Record<string, string>> | null;
  readonly reserved_resources_record: readonly string[];
  readonly error: JsonObject | null;
  readonly parent_task: string | null;
  readonly owner: string | null;
  readonly owner_name: string | null;
  readonly owner_kind: string | null;
  readonly owner_heartbeat: string | null;
  readonly is_online: boolean | null;
  readonly owner_versions: Readonly<Record<string, string>> | null;
  readonly is_parked: boolean | null;
}

const time = (column: string) =>
  sql.raw<string>(
    `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as ${column.split(".")[1] === "created" ? "pulp_created" : column.split(".")[1]}`,
  );

const TASKS = sql`
  select t.id as task_id, t.state, t.name, t.cid as logging_cid, ${time("t.created")},
    ${time("t.unblocked_at")}, ${time("t.started_at")}, ${time("t.finished_at")},
    t.immediate, t.deferred, d.name as domain, t.versions, t.error, t.parent as parent_task,
    t.resources as reserved_resources_record, q.owner, q.parked as is_parked,
    p.name as owner_name, p.kind as owner_kind, p.versions as owner_versions,
    to_char(p.last_heartbeat at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as owner_heartbeat,
    p.last_heartbeat + make_interval(secs => p.ttl_seconds) >= clock_timestamp() as is_online
  from task t join domain d on d.num = t.domain left join task_queue q on q.task = t.id
    left join app_process p on p.id = q.owner`;

/** Whose lock it is; a waiting task of ours never has one. */
const lockOf = (task: QueuedTask) =>
  task.owner === null
    ? { locked: false, app_status_name: null }
    : {
        locked: true,
        app_status_name: task.owner_name,
        app_type: task.owner_kind,
        last_heartbeat: task.owner_heartbeat,
        online: task.is_online === true,
        versions: task.owner_versions,
      };

interface Workers {
  readonly online_workers: number;
  readonly online_api_processes: number;
  readonly worker_names: readonly string[];
}

async function workerSummary({ db }: Ctx): Promise<Workers> {
  const { rows } = await sql<Workers>`
    select (count(*) filter (where kind = 'worker'))::int as online_workers,
      (count(*) filter (where kind = 'api'))::int as online_api_processes,
      coalesce((array_agg(name order by name) filter (where kind = 'worker'))[1:20], '{}')
        as worker_names
    from app_process
    where last_heartbeat + make_interval(secs => ttl_seconds) >= clock_timestamp()`.execute(db);
  return rows[0] ?? { online_workers: 0, online_api_processes: 0, worker_names: [] };
}

/** Where a task stands in the queue, and why it does not run (service §10.2). */
export const taskDebug = operation({
  path: "/api/pulp/debug/task-debug/",
  title: "Explain a task",
  async run(call) {
    requireAdministrator(call);
    const id = queryOf(call, "task_id");
    if (id === "") return json(400, { error: "Missing required query parameter: task_id" });
    const isId = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(id);
    const found = isId
      ? await sql<QueuedTask>`${TASKS} where t.id = ${id}`.execute(call.ctx.db)
      : undefined;
    const task = found?.rows[0];
    return task ? explained(call.ctx, task) : json(404, { error: `Task ${id} not found` });
  },
});

async function explained(ctx: Ctx, task: QueuedTask): Promise<Outcome> {
  const [summary, blocking, position] = await Promise.all([
    workerSummary(ctx),
    blockersOf(ctx, task.task_id),
    positionOf(ctx, task.task_id),
  ]);
  const {
    owner,
    owner_name,
    owner_kind,
    owner_heartbeat,
    is_online,
    owner_versions,
    is_parked,
    ...own
  } = task;
  return json(200, {
    task_id: task.task_id,
    task: { ...own },
    diagnosis: diagnosisOf(task, blocking.length),
    app_lock: lockOf(task),
    redis_locks: await shownLocks(ctx, task),
    lock_holder_liveness: holders(task),
    queue_position: {
      older_waiting_tasks: position,
      stuck_in_window: 0,
      fetch_task_limit: FETCH_LIMIT,
      // The queue looks at no window: whatever is ready can be taken.
      within_fetch_window: true,
    },
    blocking_tasks: blocking.slice(0, 20).map((row) => ({ ...row })),
    fifo_analysis: {
      is_fifo_blocked: blocking.length > 0,
      ...(blocking.length > 0
        ? {
            blocked_resources: [...new Set(blocking.flatMap((row) => row.overlapping_resources))],
            blocking_task_ids: blocking.slice(0, 10).map((row) => row.task_id),
          }
        : { reason: "No earlier task needs its resources." }),
    },
    version_compatibility: {
      has_version_requirements: Object.keys(task.versions ?? {}).length > 0,
      task_versions: task.versions,
      no_compatible_worker_exists: is_parked === true,
    },
    worker_summary: { ...summary },
  });
}

function diagnosisOf(task: QueuedTask, blockers: number) {
  const one = (bug: string | null, severity: string, summary: string) => [
    { bug, severity, summary },
  ];
  if (task.is_parked) {
    return one("VERSION_INCOMPATIBILITY", "critical", "No worker has the versions it needs.");
  }
  if (task.state === "waiting" && blockers > 0) {
    return one("BUG_4_FIFO_RESOURCE_BLOCKING", "high", `It waits for ${blockers} earlier tasks.`);
  }
  if (task.state === "waiting") return one(null, "info", "It waits for a worker.");
  if (task.state === "running") return one(null, "info", "It runs.");
  return one(null, "info", `It is ${task.state}.`);
}

interface Blocker {
  readonly task_id: string;
  readonly state: string;
  readonly name: string;
  readonly pulp_created: string;
  readonly overlapping_resources: readonly string[];
  readonly app_lock: string | null;
}

/** Incomplete tasks before this one with which it shares a resource that one of them has alone. */
async function blockersOf({ db }: Ctx, id: string): Promise<readonly Blocker[]> {
  const { rows } = await sql<Blocker>`
    with me as (
      select q.seq, q.task, w.key, w.excl from task_queue q, unnest(q.keys, q.excl) as w (key, excl)
      where q.task = ${id} and q.owner is null)
    select t.id as task_id, t.state, t.name, ${time("t.created")}, p.name as app_lock,
      array(select r from unnest(t.resources) r where ltrim(replace(r, 'shared:', '')) in (
        select replace(x, 'shared:', '') from task own, unnest(own.resources) x where own.id = ${id})
        order by r) as overlapping_resources
    from task_queue o join task t on t.id = o.task left join app_process p on p.id = o.owner
    where exists (select from me, unnest(o.keys, o.excl) as h (key, excl)
      where o.seq < me.seq and h.key = me.key and (h.excl or me.excl))
    order by o.seq limit 100`.execute(db);
  return rows;
}

async function positionOf({ db }: Ctx, id: string): Promise<number> {
  const { rows } = await sql<{ older: number }>`
    select count(*)::int as older from task_queue o, task_queue q
    where q.task = ${id} and o.seq < q.seq and o.owner is null`.execute(db);
  return rows[0]?.older ?? 0;
}

const holders = (task: QueuedTask) =>
  task.owner_name === null
    ? {}
    : {
        [task.owner_name]: {
          exists_in_db: true,
          online: task.is_online === true,
          app_type: task.owner_kind,
          last_heartbeat: task.owner_heartbeat,
          verdict: task.is_online ? "alive" : "missing",
        },
      };

/** What workers show of the task, where they show anything. */
async function shownLocks({ redis }: Ctx, task: QueuedTask) {
  const ask = async (...words: readonly string[]) =>
    redis?.send(...words).catch(() => null) ?? null;
  const taskKey = `task:${task.task_id}`;
  const holder = await ask("GET", taskKey);
  const lockOfResource = async (resource: string) => {
    const lock_key = `pulp:resource_lock:${resource}`;
    const kind = String(await ask("TYPE", lock_key));
    const members = kind === "set" ? ((await ask("SMEMBERS", lock_key)) as string[]) : [];
    const one = kind === "string" ? String(await ask("GET", lock_key)) : null;
    const held = one !== null || members.length > 0;
    return { resource, lock_key, held, holder: one, holders: one === null ? members : [one] };
  };
  const names = task.reserved_resources_record;
  const exclusive = names.filter((name) => !name.startsWith("shared:"));
  const shared = names.filter((name) => name.startsWith("shared:")).map((name) => name.slice(7));
  const ttl = await ask("TTL", taskKey);
  return {
    task_lock: {
      key: taskKey,
      held: typeof holder === "string",
      holder: typeof holder === "string" ? holder : null,
      ttl: typeof ttl === "number" ? ttl : null,
    },
    exclusive_resources: await Promise.all(exclusive.map(lockOfResource)),
    shared_resources: await Promise.all(shared.map(lockOfResource)),
  };
}

/** The oldest tasks that are not over (service §10.3). */
export const taskQueue = operation({
  path: "/api/pulp/debug/task-queue/",
  title: "Show the queue",
  run: (call) => shownQueue(call),
});

async function shownQueue(call: Call): Promise<Outcome> {
  requireAdministrator(call);
  const { ctx } = call;
  const limit = numberIn(call, "limit", { least: 1, most: 100, otherwise: 10 });
  const { rows } = await sql<QueuedTask>`
    ${TASKS} where q.task is not null order by q.seq limit ${limit}`.execute(ctx.db);
  const counts = await sql<{ waiting: number; running: number }>`
    select (count(*) filter (where owner is null))::int as waiting,
      (count(*) filter (where owner is not null))::int as running from task_queue`.execute(ctx.db);
  const { waiting = 0, running = 0 } = counts.rows[0] ?? {};
  return json(200, {
    total_waiting: waiting,
    total_running: running,
    waiting_with_applock: 0,
    limit,
    tasks: rows.map((task) => ({
      ...{ task_id: task.task_id, state: task.state, name: task.name, domain: task.domain },
      ...{ logging_cid: task.logging_cid, pulp_created: task.pulp_created },
      ...{ started_at: task.started_at, immediate: task.immediate, deferred: task.deferred },
      versions: task.versions,
      reserved_resources_record: task.reserved_resources_record,
      app_lock: lockOf(task),
      diagnoses: [],
    })),
    lock_holder_liveness: Object.assign({}, ...rows.map(holders)),
    queue_health: { waiting_with_applock: 0, waiting_with_applock_is_bug1: false },
    worker_summary: { ...(await workerSummary(ctx)) },
  });
}
