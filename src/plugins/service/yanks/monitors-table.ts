import { isUuid, uuid7 } from "#base/uuid7.ts";
import { type Ctx, type DomainRef, type Executor, sql } from "#sdk";

/** The only kind of repositories that is monitored, and its address. */
export const PYTHON = {
  type: "python.python",
  model: "python.PythonRepository",
  path: "repositories/python/python",
} as const;

/** What a monitor watches, as it is now. */
export interface Watched {
  readonly id: string;
  readonly domain: DomainRef;
  readonly repository: { readonly num: number; readonly id: string; readonly name: string };
  /** Number of the version: the one that is pinned, or the latest. */
  readonly version: number;
}

const WATCHED = sql`
  select m.id, json_build_object('num', d.num, 'id', d.id, 'name', d.name) as domain,
    json_build_object('num', r.num, 'id', r.id, 'name', r.name) as repository,
    coalesce(p.number, (select max(v.number) from repository_version v
      where v.repository = r.num and v.complete), 0) as version
  from service_yank_monitor m join domain d on d.num = m.domain
    left join repository_version p on p.id = m.version
    join repository r on r.num = coalesce(p.repository,
      (select x.num from repository x where x.id = m.repository))`;

/** Undefined if there is no such monitor. */
export async function watchedBy({ db }: Pick<Ctx, "db">, id: string): Promise<Watched | undefined> {
  const { rows } = await sql<Watched>`${WATCHED} where m.id = ${id}::uuid`.execute(db);
  return rows[0];
}

/** Monitors after one of them, in the order of their ids. */
export async function nextMonitors(
  { db }: Pick<Ctx, "db">,
  { after, most }: { readonly after: string; readonly most: number },
): Promise<readonly Watched[]> {
  const { rows } = await sql<Watched>`
    ${WATCHED} where m.id > ${after}::uuid order by m.id limit ${sql.lit(most)}`.execute(db);
  return rows;
}

const domainOfMonitor = {
  name: "domain of a yank monitor",
  text: "select domain from service_yank_monitor where id = $1",
};

/** Number of the domain of what a monitor watches; undefined if there is no such monitor. */
export async function monitorDomain(
  { hot }: Pick<Ctx, "hot">,
  id: string,
): Promise<number | undefined> {
  if (!isUuid(id)) return undefined;
  const [row] = await hot.query<{ domain: number }>(domainOfMonitor, [id]);
  return row?.domain;
}

export interface NewMonitor {
  readonly domain: number;
  readonly name: string;
  readonly description: string | null;
  readonly labels: unknown;
  /** `repository.id` or `repository_version.id`; the other one is null. */
  readonly repository: string | null;
  readonly version: string | null;
}

/** Undefined if the name is taken. */
export async function addMonitor(db: Executor, monitor: NewMonitor): Promise<string | undefined> {
  const id = uuid7();
  const { rows } = await sql`
    insert into service_yank_monitor (id, domain, name, description, labels, repository, version)
    values (${id}, ${monitor.domain}, ${monitor.name}, ${monitor.description},
      ${JSON.stringify(monitor.labels)}, ${monitor.repository}, ${monitor.version})
    on conflict on constraint service_yank_monitor_name do nothing returning id`.execute(db);
  return rows.length === 0 ? undefined : id;
}

export interface MonitorChange {
  readonly description?: string | null;
  readonly pulp_labels?: unknown;
}

export async function changeMonitor(
  db: Executor,
  id: string,
  { description, pulp_labels: labels }: MonitorChange,
): Promise<void> {
  const changes = [
    ...(description === undefined ? [] : [sql`description = ${description}`]),
    ...(labels === undefined ? [] : [sql`labels = ${JSON.stringify(labels)}`]),
  ];
  if (changes.length === 0) return;
  await sql`update service_yank_monitor set ${sql.join(changes)}, updated = clock_timestamp()
    where id = ${id}`.execute(db);
}

export const removeMonitor = (db: Executor, id: string) =>
  sql`delete from service_yank_monitor where id = ${id}`.execute(db);
