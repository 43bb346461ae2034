import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startRedis } from "../../../test/clients/support/redis.ts";
import type { Api } from "../../../test/support/api.ts";
import { createRandom } from "../random.ts";
import {
  allTasks,
  endFindings,
  leftoverFindings,
  orderFindings,
  versionFindings,
} from "./checks.ts";
import { disturb } from "./disturber.ts";
import { openFleet } from "./fleet.ts";
import { dispatchAll, type Load, prepareStage } from "./load.ts";
import type { Told } from "./order.ts";

export interface TaskChaos {
  readonly seed: number;
  readonly tasks: number;
  readonly workerType: "pulpcore" | "redis";
  readonly workers: number;
  /** Between two kills. */
  readonly everyMs: number;
  /** Leaves the folder of the database and the log. */
  readonly keep: boolean;
  /** Without a task that ends for so long, the queue stands still. */
  readonly patienceMs: number;
}

/** What happened, in figures; sound if there are no findings. */
export interface TaskReport {
  readonly findings: readonly string[];
  readonly [figure: string]: unknown;
}

const SLOTS = 2;
const LOOK_MS = 500;
/** Silence is noticed soon, so that what a dead worker had goes on soon. */
const TTL = "3";

/**
 * Dispatches tasks while workers are killed, and proves that every one of them has an
 * end, that nothing overtook anything, and that nothing is left.
 */
export async function runTaskChaos(options: TaskChaos): Promise<TaskReport> {
  const { seed, tasks: count, workerType, workers, everyMs, keep, patienceMs } = options;
  const home = await mkdtemp(join(tmpdir(), "deckle-chaos-"));
  await using stack = new AsyncDisposableStack();
  if (!keep) stack.defer(() => rm(home, { recursive: true, force: true }));
  const redis = workerType === "redis" ? stack.use(await startRedis()) : undefined;
  const settings = {
    ...{ PULP_WORKER_TYPE: workerType, PULP_WORKER_TTL: TTL, PULP_TASK_SLOTS: String(SLOTS) },
    ...{ PULP_ENABLED_PLUGINS: "['file']", ...(redis ? { PULP_REDIS_URL: redis.url } : {}) },
  };
  const fleet = stack.use(await openFleet({ home, size: workers, settings }));
  const { api, logFile } = fleet;
  console.log(`log in ${logFile}`);
  // The clients have choices of their own, so that the victims repeat with the seed.
  const [random, choices] = [createRandom(seed), createRandom(seed + 1)];
  const stage = await prepareStage(api, choices);
  const ending = new AbortController();
  const startedMs = performance.now();
  const disturbing = disturb(fleet, { random, redis, everyMs, size: workers }, ending.signal);
  const load = await dispatchAll(api, { random: choices, stage, count });
  const dispatchedMs = performance.now() - startedMs;
  const stuck = await untilFinal(api, patienceMs);
  const seconds = (performance.now() - startedMs) / 1000;
  ending.abort();
  const done = await disturbing;
  const left = await leftoverFindings(fleet, redis, workers * SLOTS);
  const tasks = await allTasks(api);
  const order = orderFindings(tasks);
  const versions = await versionFindings(api, { random: choices, stage, load, tasks });
  return {
    ...{ seed, date: new Date().toISOString().slice(0, 10), workerType, workers, slots: SLOTS },
    killEveryMs: everyMs,
    ...{ tasks: load.accepted.length, seconds: Math.round(seconds) },
    dispatchSeconds: Math.round(dispatchedMs / 1000),
    tasksPerSecond: Math.round((load.accepted.length / seconds) * 10) / 10,
    did: Object.fromEntries([...done].sort()),
    ended: endings(load, tasks),
    ordersCompared: order.compared,
    versionsBeforeEnd: versions.beforeEnd,
    findings: [
      ...[...load.wrong, ...stuck, ...left, ...endFindings(load, tasks)],
      ...[...order.findings, ...versions.findings],
    ],
  };
}

/** Waits as long as tasks end; says what is left when none does any more. */
async function untilFinal(api: Api, patienceMs: number): Promise<readonly string[]> {
  let lastOpen = Number.POSITIVE_INFINITY;
  let movedMs = performance.now();
  for (;;) {
    const { count, results } = await api.get(
      "tasks/?state__in=waiting,running,canceling&limit=5&ordering=pulp_created",
    );
    if (count === 0) return [];
    if (count !== lastOpen) movedMs = performance.now();
    lastOpen = count;
    if (performance.now() - movedMs > patienceMs) {
      return (results as readonly Told[]).map(
        ({ pulp_href, state }) => `${pulp_href} stays ${state}, with ${count} that are not final`,
      );
    }
    await sleep(LOOK_MS);
  }
}

/** How often each end, with its reason. */
function endings({ accepted }: Load, tasks: ReadonlyMap<string, Told>): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { task } of accepted) {
    const told = tasks.get(task);
    const reason = told?.error?.reason ?? told?.error?.description;
    const end = `${told?.state ?? "lost"}${reason === undefined ? "" : `: ${reason}`}`;
    counts.set(end, (counts.get(end) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}
