import { setTimeout as sleep } from "node:timers/promises";
import { appErrors } from "#app/errors.ts";
import { integerFlag } from "#app/flags.ts";
import { momentOf } from "../logs/times.ts";
import { Distribution } from "../tasks/distribution.ts";
import type { Bench, BenchmarkCommand } from "./command.ts";

/** The endpoint dispatches no longer in one request. */
const MOST_SECONDS = 25;
/** For what the server does besides. */
const GRACE_MS = 30_000;
const AFTER_FAILURE_MS = 500;

const insertion = (name: string, path: string, what: string): BenchmarkCommand => ({
  name,
  usage: "[--timeout SECONDS] [--max-workers NUMBER] [--run-until T]",
  summary: `Measures how fast the server takes tasks ${what}.`,
  options: {
    timeout: { type: "string" },
    "max-workers": { type: "string" },
    "run-until": { type: "string" },
  },
  run: (bench) => measure(bench, path),
});

/** Needs `TEST_TASK_INGESTION` of the server. */
export const testTaskInsertion = insertion(
  "test_task_insertion",
  "pulp/test/tasks/",
  "that do not wait for each other",
);

export const testRandomResources = insertion(
  "test_task_random_exclusive_resource_insertion",
  "pulp/test/random_lock_tasks/",
  "of which many need one of three resources",
);

interface Tally {
  tasks: number;
  requests: number;
  readonly took: Distribution;
  readonly failures: Map<string, number>;
}

/** So many requests at a time, once each, or again and again until the moment that is given. */
async function measure({ client, apiPath, flags, terminal }: Bench, path: string): Promise<number> {
  const seconds = integerFlag("timeout", flags.text.timeout) ?? 30;
  const workers = integerFlag("max-workers", flags.text["max-workers"]) ?? 50;
  if (seconds < 1 || workers < 1 || workers > 10_000) {
    throw appErrors.usage("--timeout must be at least 1, --max-workers 1 to 10000.");
  }
  const until = flags.text["run-until"];
  const endMs = until === undefined ? 0 : futureOf(until);
  const tally: Tally = { tasks: 0, requests: 0, took: new Distribution(), failures: new Map() };
  const address = `${apiPath}/${path}`;
  const query = { timeout: Math.min(seconds, MOST_SECONDS) };
  const ask = { query, timeoutMs: seconds * 1000 + GRACE_MS };
  const start = performance.now();
  const lane = async (): Promise<void> => {
    do {
      const before = performance.now();
      const failure = await insert();
      tally.requests += 1;
      tally.took.add((performance.now() - before) / 1000);
      if (failure === undefined) continue;
      tally.failures.set(failure, (tally.failures.get(failure) ?? 0) + 1);
      await sleep(AFTER_FAILURE_MS, undefined, { signal: client.signal });
    } while (Date.now() < endMs);
  };
  const insert = async (): Promise<string | undefined> => {
    try {
      const { tasks_executed: tasks } = await client.object(address, ask);
      tally.tasks += Number(tasks);
      return undefined;
    } catch (error) {
      client.signal.throwIfAborted();
      return (error as Error).message;
    }
  };
  await Promise.all(Array.from({ length: workers }, lane));
  return told(tally, (performance.now() - start) / 1000, terminal);
}

/** `--run-until` may be a moment, or `N minutes`. */
function futureOf(text: string): number {
  const now = Date.now();
  const [span] = /^\d+ \w+$/.exec(text.trim()) ?? [];
  if (span === undefined) return momentOf("run-until", text, now);
  return 2 * now - momentOf("run-until", `${span} ago`, now);
}

function told(
  { tasks, requests, took, failures }: Tally,
  seconds: number,
  { print, note }: Bench["terminal"],
): number {
  print(`tasks inserted: ${tasks}`);
  print(`seconds: ${seconds.toFixed(1)}`);
  print(`tasks per second: ${(tasks / seconds).toFixed(1)}`);
  const [half, most] = [took.percentile(0.5), took.percentile(0.95)].map((s) => s.toFixed(2));
  print(`requests: ${requests}, of ${half} s (p50) and ${most} s (p95)`);
  for (const [reason, count] of failures) note(`${count} requests failed: ${reason}`);
  return failures.size === 0 ? 0 : 1;
}
