import type { JsonObject } from "#base/json.ts";
import { type Ctx, operator, sql } from "#sdk";

interface Summary {
  readonly online_workers: number;
  readonly online_api_processes: number;
  readonly worker_names: readonly string[];
}

const IS_ONLINE = sql`last_heartbeat + make_interval(secs => ttl_seconds) >= clock_timestamp()`;

/** Who is online; of the names the first twenty. */
export async function workerSummary({ db }: Ctx): Promise<Summary> {
  const { rows } = await sql<Summary>`
    select (count(*) filter (where kind = 'worker'))::int as online_workers,
      (count(*) filter (where kind = 'api'))::int as online_api_processes,
      coalesce((array_agg(name order by name) filter (where kind = 'worker'))[1:20], '{}')
        as worker_names
    from app_process where ${IS_ONLINE}`.execute(db);
  return rows[0] ?? { online_workers: 0, online_api_processes: 0, worker_names: [] };
}

type Versions = Readonly<Record<string, string>>;

interface WorkerRow {
  readonly name: string;
  readonly versions: Versions;
}

const MOST_WORKERS = 1000;

/** Which of the workers that are online have the versions that a task needs (service §10.2). */
export async function compatibility({ db }: Ctx, needed: Versions): Promise<JsonObject> {
  const { rows } = await sql<WorkerRow>`
    select name, versions from app_process where kind = 'worker' and ${IS_ONLINE}
    order by name limit ${MOST_WORKERS}`.execute(db);
  const lacking = rows.map(({ name, versions }) => ({
    worker_name: name,
    unmatched_versions: unmatched(needed, versions),
  }));
  const fits = ({ unmatched_versions: lacks }: (typeof lacking)[number]): boolean =>
    Object.keys(lacks).length === 0;
  return {
    has_version_requirements: Object.keys(needed).length > 0,
    task_versions: needed,
    compatible_workers: lacking.filter(fits).map(({ worker_name: name }) => name),
    incompatible_workers: lacking.filter((worker) => !fits(worker)),
    no_compatible_worker_exists: !lacking.some(fits),
  };
}

/** Component → what the task needs and the worker has; null if it has not the component. */
function unmatched(needed: Versions, provided: Versions) {
  const lacks = Object.entries(needed).filter(
    ([label, version]) => !operator.satisfies({ [label]: version }, provided),
  );
  return Object.fromEntries(
    lacks.map(([label, required]) => [label, { required, worker_has: provided[label] ?? null }]),
  );
}
