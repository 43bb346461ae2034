import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { type Api, createApi } from "../../test/support/api.ts";
import { commandLine, cpuSeconds, peakBytes } from "../../test/support/process-tree.ts";
import type { Bench, Scenario } from "../scenario.ts";
import { median } from "../statistics.ts";

/** P10: an index of 2,000 projects of 20 files is mirrored on demand, and once more unchanged. */
export const scenario: Scenario = { title: "mirror of 2,000 Python projects on demand", run };

const PROJECTS = 2000;
const FILES = 20;
const ROUNDS = 3;
/** A process is looked at before it ends; the kernel keeps its peak. */
const LOOK_MS = 500;

async function run(bench: Bench): Promise<void> {
  const rounds: Round[] = [];
  for (let round = 1; round <= ROUNDS; round += 1)
    rounds.push(await mirrored(bench, `round-${round}`));
  const middle = (of: (round: Round) => number) => median(rounds.map(of));
  const what = `${PROJECTS} projects × ${FILES} files on demand`;
  const source = "P10: mirror";
  bench.record({ name: what, value: middle((r) => r.seconds), unit: "s", bound: 30, source });
  bench.record({ name: `${what}, CPU`, value: middle((r) => r.cpuSeconds), unit: "s" });
  bench.record({
    name: `${what}, largest process`,
    value: Math.max(...rounds.map((r) => r.peakMb)),
    ...{ unit: "MB", bound: 250, source },
  });
  bench.record({
    name: `${what}, unchanged`,
    value: middle((r) => r.unchangedSeconds),
    ...{ unit: "s", bound: 1, source },
  });
}

interface Round {
  readonly seconds: number;
  /** Of the server and its database. */
  readonly cpuSeconds: number;
  readonly peakMb: number;
  readonly unchangedSeconds: number;
}

/** Mirrors an index whose files nobody has yet, twice. */
async function mirrored(bench: Bench, name: string): Promise<Round> {
  const index = await startIndex(name);
  try {
    const api = createApi(bench.server);
    const values = { name, url: index.url, policy: "on_demand" };
    const { pulp_href: remote } = await api.post("remotes/python/python/", values);
    const { pulp_href: repository } = await api.post("repositories/python/python/", { name });
    const sync = () => timed(() => syncOnce(api, { repository, remote }));
    await using peak = watchPeak(bench);
    const before = await cpuSeconds(await bench.pids());
    const seconds = await sync();
    const spent = (await cpuSeconds(await bench.pids())) - before;
    const unchangedSeconds = await sync();
    const { latest_version_href: version } = await api.get(repository);
    const { content_summary: summary } = await api.get(version);
    const { count } = summary.present["python.python"];
    if (count !== PROJECTS * FILES) throw new Error(`${count} files were mirrored`);
    bench.say(`  ${name}: ${seconds.toFixed(1)} s, unchanged ${unchangedSeconds.toFixed(2)} s`);
    return { seconds, cpuSeconds: spent, peakMb: peak.bytes / 1e6, unchangedSeconds };
  } finally {
    await index.stop();
  }
}

/** An index of its own thread, in a process that is not ours to measure. */
async function startIndex(salt: string) {
  const worker = new Worker(new URL("../../test/plugins/python/large-index.ts", import.meta.url), {
    workerData: { projects: PROJECTS, files: FILES, counts: true, salt },
  });
  const [url] = (await once(worker, "message")) as [string];
  return { url, stop: () => worker.terminate() };
}

async function syncOnce(
  api: Api,
  { repository, remote }: { readonly repository: string; readonly remote: string },
): Promise<void> {
  await api.done(await api.post(`${repository}sync/`, { remote, mirror: true }), 600_000);
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

/** Looks at the processes of the server, of which those that run tasks come and go. */
function watchPeak(bench: Bench): AsyncDisposable & { readonly bytes: number } {
  const stop = new AbortController();
  let bytes = 0;
  const look = async () => {
    for (const pid of await bench.server.pids())
      if (!/postgres/.test(await commandLine(pid))) bytes = Math.max(bytes, await peakBytes(pid));
  };
  const watching = (async () => {
    while (!stop.signal.aborted) {
      await look();
      await sleep(LOOK_MS);
    }
  })();
  return {
    get bytes() {
      return bytes;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await watching;
    },
  };
}
