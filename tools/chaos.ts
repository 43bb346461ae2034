/**
 * Kills processes of a working service at random moments, and proves after each that nothing
 * acknowledged was lost and that the invariants hold.
 *
 *   npm run chaos -- [--cycles 200] [--seed N] [--keep]
 *
 * Ends with 1 at the first finding, with the seed and the cycle; `--keep` leaves the data folder.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { CoreTables } from "#core/tables.ts";
import { openDatabase } from "#platform/db/open.ts";
import { type Api, ApiError, createApi } from "../test/support/api.ts";
import { createFileUpstream } from "../test/support/file-upstream.ts";
import { commandLine, listProcesses } from "../test/support/process-tree.ts";
import { type Server, startServer } from "../test/support/server.ts";
import { createRandom } from "./chaos/random.ts";
import { createWorkload, type Workload } from "./chaos/workload.ts";
import { checkInvariants } from "./check-invariants.ts";

/** A dead process is noticed after its TTL and one beat (R4). */
const RECOVERY_MS = 40_000;

/** A folder without writes for a minute is removed at one of the next beats. */
const SWEEP_MS = 120_000;

const { values } = parseArgs({
  options: {
    cycles: { type: "string", default: "200" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    keep: { type: "boolean", default: false },
  },
});
const cycles = Number(values.cycles);
const random = createRandom(Number(values.seed));
console.log(`seed ${values.seed}, ${cycles} cycles`);
process.exitCode = await main();

async function main(): Promise<number> {
  const home = await mkdtemp(join(tmpdir(), "deckle-chaos-"));
  await using upstream = await createFileUpstream(200, 2000);
  let server = await startServer({ home });
  const workload = createWorkload(random, upstream);
  try {
    await workload.prepare(createApi(server));
    for (let cycle = 1; cycle <= cycles; cycle += 1) {
      const killed = await disturb(server, workload);
      const restarted = await ensureRunning(server, home);
      server = restarted;
      const findings = await inspect(server, workload);
      console.log(`${cycle}: ${killed}: ${findings.length === 0 ? "sound" : "FINDINGS"}`);
      if (findings.length > 0) return fail(cycle, home, findings);
    }
    const left = await untilSwept(home);
    if (left.length > 0) return fail(cycles, home, left);
    console.log(`${cycles} cycles, ${workload.summary()}, nothing lost, nothing broken`);
    return 0;
  } finally {
    await server.stop("SIGTERM").catch(() => undefined);
    if (!values.keep) await rm(home, { recursive: true, force: true });
  }
}

function fail(cycle: number, home: string, findings: readonly string[]): number {
  console.error(`seed ${values.seed}, cycle ${cycle}${values.keep ? `, data in ${home}` : ""}`);
  for (const finding of findings) console.error(`  ${finding}`);
  return 1;
}

/** Lets the workload run for a moment and kills one process in the middle of it. */
async function disturb(server: Server, workload: Workload): Promise<string> {
  const ending = new AbortController();
  const working = workload.run(createApi(server), ending.signal);
  await sleep(100 + random.below(900));
  const victim = await chooseVictim(server);
  process.kill(victim.pid, "SIGKILL");
  await sleep(random.below(300));
  ending.abort();
  await working;
  return victim.name;
}

interface Victim {
  readonly pid: number;
  readonly name: string;
}

/** Any process below the command: the service, a task's child, the database or one of its parts. */
async function chooseVictim(server: Server): Promise<Victim> {
  const pids = await server.pids();
  const named = await Promise.all(
    pids.map(async (pid) => ({ pid, name: short(await commandLine(pid)) })),
  );
  const victims = named.filter(({ name }) => /^(src\/bin\/|postgres|bin\/postgres)/.test(name));
  const kinds = [...new Set(victims.map(({ name }) => kindOf(name)))];
  const kind = random.pick(kinds);
  return random.pick(victims.filter(({ name }) => kindOf(name) === kind));
}

function short(line: string): string {
  return (/src\/bin\/[\w.-]+|postgres: [\w ]+|bin\/postgres /.exec(line)?.[0] ?? line).trim();
}

function kindOf(name: string): string {
  if (/postgres: postgres /.test(name)) return "backend";
  return /postgres: (\w+)/.exec(name)?.[1] ?? /src\/bin\/[\w-]+/.exec(name)?.[0] ?? "postmaster";
}

/** Starts the service again if its own process was the victim. */
async function ensureRunning(server: Server, home: string): Promise<Server> {
  const deadline = Date.now() + RECOVERY_MS;
  while (Date.now() < deadline) {
    const isOver = (await server.pids()).length === 0;
    if (isOver) {
      await untilGone(home);
      return startServer({ home });
    }
    const answer = await fetch(`${server.apiUrl}/pulp/api/v3/status/`).catch(() => undefined);
    if (answer?.ok) return server;
    await sleep(100);
  }
  throw new Error(`the service does not recover, see ${server.logFile}`);
}

/** Children notice that their parent died and end; the database is ended by the next start. */
async function untilGone(home: string): Promise<void> {
  const deadline = Date.now() + RECOVERY_MS;
  for (;;) {
    const orphans = (await listProcesses()).filter(({ parent }) => parent === 1);
    const left = await Promise.all(orphans.map(({ pid }) => isChildOf(home, pid)));
    if (!left.includes(true)) return;
    if (Date.now() > deadline) throw new Error(`task children of ${home} are left`);
    await sleep(50);
  }
}

async function isChildOf(home: string, pid: number): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
  const isOurs = environment.split("\0").includes(`DECKLE_HOME=${home}`);
  return isOurs && (await commandLine(pid)).includes("task-child");
}

async function inspect(server: Server, workload: Workload): Promise<readonly string[]> {
  const api = createApi(server);
  const deadline = Date.now() + RECOVERY_MS + 20_000;
  while ((await openTasks(api)) !== 0) {
    if (Date.now() > deadline) return [`${await openTasks(api)} tasks do not become final`];
    await sleep(100);
  }
  const lost = await workload.verify(api, server.contentUrl);
  const broken = await violations(server.home);
  return [...lost, ...broken.filter((finding) => !isLeftover(finding))];
}

/** What a dead process was writing stays until the sweep sees that it is idle. */
function isLeftover(finding: string): boolean {
  return finding.startsWith("I3 tmp/incoming/");
}

/** Every leftover is swept in the end. */
async function untilSwept(home: string): Promise<readonly string[]> {
  const deadline = Date.now() + SWEEP_MS;
  for (;;) {
    const findings = await violations(home);
    if (findings.length === 0 || Date.now() > deadline) return findings;
    await sleep(1000);
  }
}

/** Undefined while the database comes back. */
async function openTasks(api: Api): Promise<number | undefined> {
  const found = await api
    .get("tasks/?state__in=waiting,running,canceling&limit=1")
    .catch((error: unknown) => {
      if (error instanceof ApiError && error.status < 500) throw error;
      return undefined;
    });
  return found?.count;
}

async function violations(home: string): Promise<readonly string[]> {
  const socket = encodeURIComponent(join(home, "postgres", "run"));
  await using database = openDatabase<CoreTables>({
    url: `postgresql://postgres@localhost/pulp?host=${socket}`,
    poolSize: 2,
    applicationName: "chaos",
    onError: (error) => console.error(error.message),
  });
  const found = await checkInvariants(database.db, join(home, "media"));
  return found.map(({ invariant, subject, problem }) => `${invariant} ${subject}: ${problem}`);
}
