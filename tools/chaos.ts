/**
 * Kills processes of a working service at random moments, and proves after each that nothing
 * acknowledged was lost and that the invariants hold.
 *
 *   npm run chaos -- [--pushes] [--cycles 200] [--seed N] [--keep] [--json file]
 *                    [--patience 40]
 *   npm run chaos -- --tasks [--count 10000] [--worker-type redis|pulpcore] [--workers 4]
 *                    [--every 1] [--seed N] [--keep] [--json file] [--patience 40]
 *
 * With `--pushes` clients do nothing but push images, and every moment is one of a push. With
 * `--tasks` that many tasks wait and run while a worker or the process of a task is killed every
 * second, or as many seconds as `--every` says; all have to end, in their order, and leave nothing.
 * `--patience` says in seconds how long a recovery may take. Ends with 1 at the first finding, with
 * the seed and the cycle; `--keep` leaves the data folder.
 * The seed decides the victims, the moments and what the clients do; the machine decides the rest.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createApi } from "../test/support/api.ts";
import { createFileUpstream } from "../test/support/file-upstream.ts";
import { type Server, startServer } from "../test/support/server.ts";
import { leftovers, violations } from "./chaos/inspect.ts";
import { createPushWorkload } from "./chaos/pushes.ts";
import { createRandom } from "./chaos/random.ts";
import { setPatience, untilAnswering, untilIdle, untilOrphansEnded } from "./chaos/recovery.ts";
import { runTaskChaos } from "./chaos/tasks/run.ts";
import { chooseVictim, kill } from "./chaos/victims.ts";
import { createWorkload, type Workload } from "./chaos/workload.ts";

/** Silence is noticed soon, so that a cycle is short; `test/worker/lost.test.ts` has the defaults. */
const SETTINGS = { PULP_WORKER_TTL: "3", PULP_API_APP_TTL: "3", PULP_CONTENT_APP_TTL: "3" };

/** Who takes part in a push. */
const PUSH_VICTIMS = ["start", "database", "database backend", "everything"];

/** Of a moment; an image takes longer than most of what the other clients do. */
const longestMs = (isOfPushes: boolean) => (isOfPushes ? 2500 : 900);

/** Leftovers of the dead are looked for after every so many cycles. */
const LEFTOVERS_EVERY = 20;

const { values } = parseArgs({
  options: {
    cycles: { type: "string", default: "200" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    keep: { type: "boolean", default: false },
    pushes: { type: "boolean", default: false },
    json: { type: "string" },
    patience: { type: "string", default: "40" },
    tasks: { type: "boolean", default: false },
    count: { type: "string", default: "10000" },
    "worker-type": { type: "string", default: "redis" },
    workers: { type: "string", default: "4" },
    every: { type: "string", default: "1" },
  },
});
const cycles = Number(values.cycles);
const seed = Number(values.seed);
setPatience(Number(values.patience));
process.exitCode = values.tasks ? await tasks() : await main();

async function tasks(): Promise<number> {
  const workerType = values["worker-type"];
  if (workerType !== "redis" && workerType !== "pulpcore") {
    throw new Error(`--worker-type is redis or pulpcore, not ${workerType}`);
  }
  console.log(`seed ${seed}, ${values.count} tasks, ${workerType} workers`);
  const report = await runTaskChaos({
    ...{ seed, workerType, keep: values.keep, tasks: Number(values.count) },
    ...{ workers: Number(values.workers), everyMs: Number(values.every) * 1000 },
    patienceMs: Number(values.patience) * 1000,
  });
  await tell(report);
  return report.findings.length === 0 ? 0 : 1;
}

async function tell(report: object): Promise<void> {
  const text = JSON.stringify(report, undefined, 2);
  console.log(text);
  if (values.json) await writeFile(values.json, `${text}\n`);
}

interface Cycle {
  readonly killed: string;
  /** From the kill until the service answered again and every task was final. */
  readonly recoveryMs: number;
}

async function main(): Promise<number> {
  console.log(`seed ${seed}, ${cycles} cycles${values.pushes ? " of pushes" : ""}`);
  const home = await mkdtemp(join(tmpdir(), "deckle-chaos-"));
  await using upstream = await createFileUpstream(150, 2000);
  let server = await start(home);
  // The clients have choices of their own, so that the moments and victims repeat with the seed.
  const random = createRandom(seed);
  const choices = createRandom(seed + 1);
  const workload = values.pushes ? createPushWorkload(choices) : createWorkload(choices, upstream);
  const done: Cycle[] = [];
  const startedMs = performance.now();
  try {
    await workload.prepare(createApi(server));
    for (let cycle = 1; cycle <= cycles; cycle += 1) {
      const { killed, recoveryMs, next } = await disturb(server, { random, workload, home });
      server = next;
      done.push({ killed, recoveryMs });
      const isThorough = cycle % LEFTOVERS_EVERY === 0 || cycle === cycles;
      const findings = await inspect(server, workload, isThorough);
      const verdict = findings.length === 0 ? "sound" : "FINDINGS";
      console.log(`${cycle}: ${killed}, recovered in ${Math.round(recoveryMs)} ms: ${verdict}`);
      if (findings.length > 0) return fail(cycle, server, findings);
    }
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    await tell(summary(done, workload, seconds));
    return 0;
  } finally {
    await server.stop("SIGTERM").catch(() => undefined);
    if (!values.keep) await rm(home, { recursive: true, force: true });
  }
}

function start(home: string): Promise<Server> {
  return startServer({ home, env: SETTINGS });
}

function fail(cycle: number, server: Server, findings: readonly string[]): number {
  const data = values.keep ? `, data in ${server.home}` : "";
  console.error(`seed ${seed}, cycle ${cycle}${data}, log in ${server.logFile}`);
  for (const finding of findings) console.error(`  ${finding}`);
  return 1;
}

interface Disturbance {
  readonly random: ReturnType<typeof createRandom>;
  readonly workload: Workload;
  readonly home: string;
}

/** Lets the workload run for a moment, kills one process in the middle of it, and waits. */
async function disturb(
  server: Server,
  { random, workload, home }: Disturbance,
): Promise<Cycle & { readonly next: Server }> {
  const ending = new AbortController();
  const { contentUrl } = server;
  const working = workload.run({ api: createApi(server), contentUrl }, ending.signal);
  await sleep(100 + random.below(longestMs(values.pushes)));
  const victim = await chooseVictim(server, random, values.pushes ? PUSH_VICTIMS : undefined);
  const killedMs = performance.now();
  kill(victim);
  await sleep(random.below(400));
  ending.abort();
  const next = await ensureRunning(server, home);
  await working;
  await untilIdle(createApi(next));
  return { killed: victim.kind, recoveryMs: performance.now() - killedMs, next };
}

/** Starts the service again if its own process was the victim. */
async function ensureRunning(server: Server, home: string): Promise<Server> {
  if (await untilAnswering(server)) return server;
  await untilOrphansEnded(home);
  return start(home);
}

async function inspect(
  server: Server,
  workload: Workload,
  isThorough: boolean,
): Promise<readonly string[]> {
  const target = { api: createApi(server), contentUrl: server.contentUrl };
  const lost = await workload.verify(target, isThorough);
  const broken = await violations(server.home);
  return [...lost, ...broken, ...(isThorough ? await leftovers(server.home) : [])];
}

function summary(done: readonly Cycle[], workload: Workload, seconds: number) {
  const { ledger } = workload;
  const kinds = [...new Set(done.map(({ killed }) => killed))].sort();
  const recovery = done.map(({ recoveryMs }) => recoveryMs).sort((a, b) => a - b);
  const at = (share: number) =>
    Math.round(recovery[Math.floor(share * (recovery.length - 1))] ?? 0);
  return {
    seed,
    date: new Date().toISOString().slice(0, 10),
    cycles: done.length,
    seconds,
    killed: Object.fromEntries(
      kinds.map((kind) => [kind, done.filter(({ killed }) => killed === kind).length]),
    ),
    recoveryMs: { median: at(0.5), p95: at(0.95), max: at(1) },
    operations: ledger.done,
    interrupted: Object.fromEntries([...ledger.broken].sort(([, a], [, b]) => b - a)),
    acknowledged: workload.acknowledged(),
    findings: 0,
  };
}
