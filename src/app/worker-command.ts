import { rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { databaseAnswers } from "#core/readiness.ts";
import { compose } from "./composition.ts";
import { configure, logWarnings } from "./configure.ts";
import { appErrors } from "./errors.ts";
import { exposeOwn } from "./exposition.ts";
import { readFlags } from "./flags.ts";
import { enabledPlugins } from "./plugins.ts";
import { serveProbes } from "./probes.ts";
import { openRuntime } from "./runtime.ts";
import { serveWorker, type Worker } from "./serve-worker.ts";
import { applyToProcess } from "./server-flags.ts";
import { onStop } from "./signals.ts";

const USAGE = `Usage: pulpcore-worker [flags]

  --pid FILE           writes the number of the process there
  --burst              runs what there is to do and ends
  --auxiliary          only executes: no clean-up after others, no schedules
  --name-template TEXT name among the online processes; {pid}, {hostname}, {fqdn}
  --log-level LEVEL    debug, info, warning or error

Accepted without effect: --reload.
`;

const OPTIONS = {
  pid: { type: "string" },
  burst: { type: "boolean" },
  reload: { type: "boolean" },
  auxiliary: { type: "boolean" },
  "name-template": { type: "string" },
  "log-level": { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** `pulpcore-worker`; resolves to the exit code after a signal, or when a burst is over. */
export async function workerCommand(parameters: readonly string[]): Promise<number> {
  const flags = readFlags(parameters, OPTIONS);
  if (flags.on.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const [extra] = flags.rest;
  if (extra !== undefined) throw appErrors.usage(`There is nothing to do with '${extra}'.`);
  applyToProcess(flags.text);
  const stop = onStop();
  const configuration = configure();
  logWarnings(configuration);
  if (flags.on.reload) configuration.log.warn("--reload has no effect.");
  const { plugins } = compose(enabledPlugins(configuration.settings.ENABLED_PLUGINS));
  await using runtime = await openRuntime(configuration, { plugins, role: "worker" });
  const { PROMETHEUS_PORT: port } = runtime.settings;
  await using _page = port === 0 ? undefined : await exposeOwn(port, runtime.metrics);
  await using _file = await pidFile(flags.text.pid);
  let worker: Worker | undefined;
  await using _probes = await serveProbes(
    configuration.settings.WORKER_PROBE_BIND,
    async () => worker?.isAtWork === true && (await databaseAnswers(runtime.database)),
  );
  const started = serveWorker(runtime, {
    burst: flags.on.burst === true,
    auxiliary: flags.on.auxiliary === true,
  });
  worker = started;
  void stop.second.then(() => started.stop("abort"));
  void stop.first.then((signal) => started.stop(signal === "SIGINT" ? "grace" : "finish"));
  await started.done;
  return 0;
}

async function pidFile(path: string | undefined): Promise<AsyncDisposable> {
  const file = path?.replace(/^~(?=\/|$)/, homedir());
  if (file !== undefined) await writeFile(file, `${process.pid}\n`);
  return {
    async [Symbol.asyncDispose]() {
      if (file !== undefined) await rm(file, { force: true });
    },
  };
}
