import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import type { CoreTables } from "#core/tables.ts";
import { openDatabase } from "#platform/db/open.ts";
import type { RedisServer } from "../../../test/clients/support/redis.ts";
import type { Api } from "../../../test/support/api.ts";
import { checkInvariants } from "../../check-invariants.ts";
import type { Random } from "../random.ts";
import type { Fleet } from "./fleet.ts";
import type { Load, Stage } from "./load.ts";
import { type Order, overtakings, type Told } from "./order.ts";

type Findings = readonly string[];

/** What is left of the dead is away after this, or never. */
const SETTLE_MS = 60_000;
const PAGE = 1000;
/** Versions whose content is looked at. */
const SAMPLE = 200;

/** Why a task may have failed: it or its process was killed, and nothing else happened. */
const EXCUSED = /^(Worker has gone missing\.|Killed by signal 9\.)$/;

/** Every task that the server has, by href. */
export async function allTasks(api: Api): Promise<ReadonlyMap<string, Told>> {
  const tasks = new Map<string, Told>();
  for (let offset = 0; ; offset += PAGE) {
    const page = await api.get(`tasks/?ordering=pulp_created&limit=${PAGE}&offset=${offset}`);
    for (const task of page.results as readonly Told[]) tasks.set(task.pulp_href, task);
    if (page.next === null) return tasks;
  }
}

/** Each accepted task is there and has an end that something excuses. */
export const endFindings = (
  { accepted, canceled }: Load,
  tasks: ReadonlyMap<string, Told>,
): Findings =>
  accepted.flatMap(({ task: href }) => {
    const task = tasks.get(href);
    const problem = task ? endProblem(task, canceled.has(href)) : "was accepted and is not there";
    return problem === undefined ? [] : [`${href} ${problem}`];
  });

function endProblem(
  { state, error, started_at, finished_at }: Told,
  isCanceled: boolean,
): string | undefined {
  if (finished_at === null) return `is ${state}`;
  if (state === "completed")
    return started_at === null ? "is completed and never began" : undefined;
  if (state === "canceled") return isCanceled ? undefined : "is canceled unasked";
  return EXCUSED.test(error?.reason ?? "") ? undefined : `is ${state}: ${JSON.stringify(error)}`;
}

export const orderFindings = (tasks: ReadonlyMap<string, Told>): Order =>
  overtakings([...tasks.values()]);

export interface Versions {
  /** Versions that a task made which was killed before its end was written. */
  readonly beforeEnd: number;
  readonly findings: Findings;
}

/** The versions of a repository tell the same order, and each has what its task was told. */
export async function versionFindings(api: Api, known: Known): Promise<Versions> {
  const findings: string[] = [];
  const made: Made[] = [];
  for (const repository of known.stage.repositories) {
    const there = await versionsOf(api, repository);
    const own = changesOf(known, repository);
    findings.push(...rising(own));
    for (const { task, version } of own) {
      if (version && !there.delete(version)) findings.push(`${version} of ${task} is not there`);
    }
    findings.push(...[...there].map((version) => `${version} was made by no task`));
    made.push(...own);
  }
  const sample = made.filter(({ version }) => version !== undefined);
  for (let n = 0; n < Math.min(SAMPLE, sample.length); n += 1) {
    findings.push(...(await contentFindings(api, known.random.pick(sample))));
  }
  const beforeEnd = sample.filter(({ isCompleted }) => !isCompleted).length;
  return { beforeEnd, findings };
}

/** What a task that changes a repository made of it. */
interface Made {
  readonly task: string;
  readonly version: string | undefined;
  readonly unit: string;
  readonly isCompleted: boolean;
}

/** In the order in which the queue took them. */
function changesOf({ load, tasks }: Known, repository: string): readonly Made[] {
  return load.accepted
    .filter((one) => one.kind === "change" && one.repository === repository)
    .flatMap(({ task, unit = "" }) => {
      const told = tasks.get(task);
      return told ? [{ task, unit, told }] : [];
    })
    .toSorted((a, b) => (a.told.pulp_created < b.told.pulp_created ? -1 : 1))
    .map(({ task, unit, told }) => {
      const version = told.created_resources.find((href) => href.includes("/versions/"));
      return { task, unit, version, isCompleted: told.state === "completed" };
    });
}

function rising(changes: readonly Made[]): Findings {
  const findings: string[] = [];
  let last = 0;
  for (const { task, version, isCompleted } of changes) {
    const number = Number(version?.split("/").at(-2) ?? 0);
    const isBehind = number <= last && (isCompleted || version !== undefined);
    if (isBehind) findings.push(`${task} made ${version ?? "nothing"} after version ${last}`);
    last = Math.max(last, number);
  }
  return findings;
}

export interface Known {
  readonly random: Random;
  readonly stage: Stage;
  readonly load: Load;
  readonly tasks: ReadonlyMap<string, Told>;
}

/** Hrefs of all versions but the empty first one. */
async function versionsOf(api: Api, repository: string): Promise<Set<string>> {
  const versions = new Set<string>();
  for (let offset = 0; ; offset += PAGE) {
    const page = await api.get(`${repository}versions/?limit=${PAGE}&offset=${offset}`);
    for (const { pulp_href, number } of page.results) if (number > 0) versions.add(pulp_href);
    if (page.next === null) return versions;
  }
}

async function contentFindings(api: Api, { version, unit }: Made): Promise<Findings> {
  const { results } = await api.get(`content/file/files/?repository_version=${version}`);
  const members = results.map(({ pulp_href }: { readonly pulp_href: string }) => pulp_href);
  if (members.length === 1 && members[0] === unit) return [];
  return [`${version} has ${members.join(", ") || "nothing"} instead of ${unit}`];
}

/** Nothing is left of tasks and of processes: no lock, no place in the queue, no record. */
export async function leftoverFindings(
  { databaseUrl, mediaRoot }: Fleet,
  redis: RedisServer | undefined,
  workers: number,
): Promise<Findings> {
  await using database = openDatabase<CoreTables>({
    ...{ url: databaseUrl, poolSize: 2, applicationName: "chaos" },
    onError: (error) => console.error(error.message),
  });
  const { db } = database;
  const look = async (): Promise<Findings> => {
    const { rows } = await sql<{ what: string; count: number }>`
      select 'places in the queue' as what, count(*)::int from task_queue
      union all select 'held names', count(*)::int from task_held
      union all select 'names waited for', count(*)::int from task_wait
      union all select 'records of more workers than there are',
        greatest(0, count(*)::int - ${workers}) from app_process where kind = 'worker'`.execute(db);
    const keys = (await redis?.keys()) ?? [];
    return [
      ...rows.filter(({ count }) => count > 0).map(({ what, count }) => `${count} ${what}`),
      ...keys.map((key) => `the key ${key} is left in Redis`),
    ];
  };
  const deadline = Date.now() + SETTLE_MS;
  let left = await look();
  // Schedules of the server's own may run just now.
  while (left.length > 0 && Date.now() < deadline) {
    await sleep(250);
    left = await look();
  }
  const broken = await checkInvariants(db, mediaRoot);
  const lasting = broken.filter(({ subject }) => !/^tmp\/(incoming|sessions)\//.test(subject));
  return [...left, ...lasting.map((one) => `${one.invariant} ${one.subject}: ${one.problem}`)];
}
