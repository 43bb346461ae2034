import cluster from "node:cluster";
import { setTimeout as sleep } from "node:timers/promises";
import { type Composition, compose } from "./composition.ts";
import { type Configuration, configure, logWarnings } from "./configure.ts";
import { enabledPlugins } from "./plugins.ts";
import { openRuntime, type Runtime } from "./runtime.ts";
import { serveApi } from "./serve-api.ts";
import { serveContent } from "./serve-content.ts";
import { readServerFlags, type ServerCommand, serverUsage } from "./server-flags.ts";
import type { ServerOptions, Service } from "./service.ts";
import { onStop, type StopRequest } from "./signals.ts";

interface Role {
  readonly name: "api" | "content";
  readonly port: number;
  serve(runtime: Runtime, composition: Composition, options: ServerOptions): Promise<Service>;
}

const api: Role = { name: "api", port: 24_817, serve: serveApi };
const content: Role = { name: "content", port: 24_816, serve: serveContent };

/** `pulpcore-api`; resolves to the exit code after a signal. */
export const apiCommand = (parameters: readonly string[]): Promise<number> =>
  serveRole(api, parameters);

/** `pulpcore-content`; resolves to the exit code after a signal. */
export const contentCommand = (parameters: readonly string[]): Promise<number> =>
  serveRole(content, parameters);

async function serveRole(role: Role, parameters: readonly string[]): Promise<number> {
  const command = readServerFlags(parameters, role.port);
  if (command.isHelp) {
    process.stdout.write(serverUsage(`pulpcore-${role.name}`, role.port));
    return 0;
  }
  const configuration = configure();
  const stop = onStop();
  const isPrimary = command.workers > 1 && cluster.isPrimary;
  if (!cluster.isWorker) tellOddities(configuration, command);
  const work = isPrimary
    ? superviseWorkers(command.workers, configuration, stop)
    : serve(role, { configuration, command, stop });
  return Promise.race([work, stop.second.then(() => 130)]);
}

function tellOddities(configuration: Configuration, { ignored }: ServerCommand): void {
  logWarnings(configuration);
  for (const name of ignored) configuration.log.warn(`--${name} has no effect.`);
}

interface Work {
  readonly configuration: Configuration;
  readonly command: ServerCommand;
  readonly stop: StopRequest;
}

async function serve(role: Role, { configuration, command, stop }: Work): Promise<number> {
  const composition = compose(enabledPlugins(configuration.settings.ENABLED_PLUGINS));
  const { plugins } = composition;
  await using runtime = await openRuntime(configuration, { plugins, role: role.name });
  const service = await role.serve(runtime, composition, command.server);
  runtime.log.info(`Serving the ${role.name} as process ${process.pid}`);
  await stop.first;
  await service.stop();
  return 0;
}

/** A worker that ends is replaced; one that cannot start ends everything. */
async function superviseWorkers(
  count: number,
  { log }: Configuration,
  stop: StopRequest,
): Promise<number> {
  const failed = Promise.withResolvers<number>();
  const state = { isStopping: false };
  cluster.on("exit", async (worker, code) => {
    if (state.isStopping) return;
    if (!hasListened.has(worker.id)) return failed.resolve(code || 1);
    log.error(`Process ${worker.process.pid} ended; another one takes its place.`);
    await sleep(RESPAWN_MS);
    if (!state.isStopping) cluster.fork();
  });
  const hasListened = new Set<number>();
  cluster.on("listening", (worker) => hasListened.add(worker.id));
  for (let number = 0; number < count; number += 1) cluster.fork();
  const code = await Promise.race([failed.promise, stop.first.then(() => 0)]);
  state.isStopping = true;
  const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
  const ended = workers.map((worker) => new Promise((resolve) => worker.once("exit", resolve)));
  for (const worker of workers) worker.process.kill("SIGTERM");
  await Promise.all(ended);
  return code;
}

const RESPAWN_MS = 1000;
