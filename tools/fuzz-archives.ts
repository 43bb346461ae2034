/**
 * Reads wheels, eggs and source archives that were changed at random: each is read or refused.
 *
 *   node tools/fuzz-archives.ts [--minutes 5] [--seed 1] [--first 0]
 *
 * A child process does the reading, started as servers are. It fails by an error that is no refusal,
 * by ending, by 20 s without an answer, or by taking more than 256 MB of memory, itself included; the
 * case is named, and begins another run with `--first`. Exit code 1 says that something failed.
 */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Report } from "./fuzz-archives/reader.ts";

const HEAP_MB = 256;
/** What a server is started with, too. */
const FLAGS = [`--max-old-space-size=${HEAP_MB}`, "--max-semi-space-size=16"];
const ENVIRONMENT = { MALLOC_ARENA_MAX: "2", UV_THREADPOOL_SIZE: "16" };
const MAX_BYTES = 256 * 1024 * 1024;
const HANG_MS = 20_000;
const SHOWN_TEXTS = 60;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "5" },
    seed: { type: "string", default: "1" },
    first: { type: "string", default: "0" },
  },
});

interface Tally {
  next: number;
  read: number;
  refused: number;
  peakBytes: number;
  readonly failures: string[];
  /** Kind of refusal → how often. */
  readonly texts: Map<string, number>;
}

process.exitCode = await main();

async function main(): Promise<number> {
  const endsAt = Date.now() + Number(values.minutes) * 60_000;
  const tally: Tally = {
    next: Number(values.first),
    read: 0,
    refused: 0,
    peakBytes: 0,
    failures: [],
    texts: new Map(),
  };
  while (Date.now() < endsAt && tally.failures.length < 10) await runChild(tally, endsAt);
  print(tally);
  return tally.failures.length === 0 ? 0 : 1;
}

/** Runs a child to the end, or until a case ends it; another child goes on behind that case. */
async function runChild(tally: Tally, endsAt: number): Promise<void> {
  const child = fork(
    join(import.meta.dirname, "fuzz-archives/reader.ts"),
    [values.seed, String(tally.next)],
    { execArgv: FLAGS, env: { ...process.env, ...ENVIRONMENT } },
  );
  const watch = { heardAt: Date.now(), isStopped: false };
  child.on("message", (report: Report) => {
    watch.heardAt = Date.now();
    count(tally, report);
    if (report.peakBytes > MAX_BYTES) {
      tally.failures.push(`case ${report.next - 1} took ${megabytes(report.peakBytes)} MB`);
      stop(child, watch);
    }
  });
  const ended = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => resolve(`code ${code}, signal ${signal}`));
  });
  while (child.exitCode === null && child.signalCode === null) {
    await Promise.race([ended, sleep(500)]);
    if (watch.isStopped) continue;
    if (Date.now() - watch.heardAt > HANG_MS) {
      tally.failures.push(`case ${tally.next} gave no answer for ${HANG_MS} ms`);
      tally.next += 1;
      stop(child, watch);
    } else if (Date.now() > endsAt) {
      stop(child, watch);
    }
  }
  if (watch.isStopped) return;
  tally.failures.push(`case ${tally.next} ended the process: ${await ended}`);
  tally.next += 1;
}

function stop(child: ChildProcess, watch: { isStopped: boolean }): void {
  watch.isStopped = true;
  child.kill("SIGKILL");
}

function count(tally: Tally, { next, outcome, text = "", peakBytes }: Report): void {
  tally.next = next;
  tally.peakBytes = Math.max(tally.peakBytes, peakBytes);
  if (outcome === "read") tally.read += 1;
  if (outcome === "failed") tally.failures.push(`case ${next - 1}: ${text}`);
  if (outcome !== "refused") return;
  tally.refused += 1;
  const kind = text.replace(/"(?:[^"\\]|\\.)*"/g, "…").replace(/\d+/g, "N");
  tally.texts.set(kind, (tally.texts.get(kind) ?? 0) + 1);
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}

function print({ read, refused, peakBytes, failures, texts }: Tally): void {
  const lines = [...texts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, SHOWN_TEXTS)
    .map(([kind, times]) => `${String(times).padStart(8)}  ${kind}`);
  const summary = `${read} read, ${refused} refused, ${failures.length} failed`;
  const seen = `seed ${values.seed}, at most ${megabytes(peakBytes)} MB`;
  process.stdout.write(`${[...lines, `${summary}; ${seen}`, ...failures].join("\n")}\n`);
}
