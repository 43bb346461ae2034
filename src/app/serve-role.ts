import cluster from "node:cluster";
import { Fleet } from "./cluster-primary.ts";
import { joinPrimary } from "./cluster-worker.ts";
import { type Composition, compose } from "./composition.ts";
import { type Configuration, configure, logWarnings } from "./configure.ts";
import { answerPrimary, exposeOwn, readWorkers, serveExposition } from "./exposition.ts";
import { enabledPlugins } from "./plugins.ts";
import { openRuntime, type Runtime } from "./runtime.ts";
import { serveApi } from "./serve-api.ts";
import { serveContent } from "./serve-content.ts";
import { readServerFlags, type ServerCommand, serverUsage } from "./server-flags.ts";
import type { ServerOptions, Service } from "./service.ts";
import { onStop, type StopRequest } from "./signals.ts";
import { onSourceChange } from "./source-change.ts";

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
  const command = readServerFlags(parameters, role);
  if (command.isHelp) {
    process.stdout.write(serverUsage(`pulpcore-${role.name}`, role.port));
    return 0;
  }
  const configuration = configure();
  const stop = onStop();
  if (!cluster.isWorker) tellOddities(configuration, command);
  const work = isPrimary(command)
    ? supervise(configuration, { command, stop })
    : serve(role, { configuration, command, stop });
  return Promise.race([work, stop.second.then(() => 130)]);
}

/** Several processes need one that starts them, and so does one that is replaced now and then. */
const isPrimary = ({ workers, recycling, isReloading }: ServerCommand): boolean =>
  cluster.isPrimary && (workers > 1 || recycling.maxRequests > 0 || isReloading);

function tellOddities({ settings, log, loaded }: Configuration, command: ServerCommand): void {
  logWarnings({ settings, log, loaded });
  for (const name of command.ignored) log.warn(`--${name} has no effect.`);
  const { API_APP_TTL: ttl } = settings;
  const { timeoutSeconds = 0 } = command;
  if (command.role === "api" && ttl < 2 * timeoutSeconds) {
    log.warn(`API_APP_TTL (${ttl} s) is below twice the timeout (${timeoutSeconds} s).`);
  }
}

interface Work {
  readonly configuration: Configuration;
  readonly command: ServerCommand;
  readonly stop: StopRequest;
}

/** A process that took over the place of another answers idle connections for so long. */
const LINGER_MS = 5000;

async function serve(role: Role, { configuration, command, stop }: Work): Promise<number> {
  const { settings } = configuration;
  const composition = compose(enabledPlugins(settings.ENABLED_PLUGINS));
  const { plugins } = composition;
  using membership = joinPrimary(command.recycling, settings.SERVER_RECYCLE_MB);
  await using runtime = await openRuntime(configuration, { plugins, role: role.name });
  await using _page = await exposition(runtime);
  const { onAnswered } = membership ?? {};
  const options = { ...command.server, ...(onAnswered ? { onAnswered } : {}) };
  const service = await role.serve(runtime, composition, options);
  runtime.log.info(`Serving the ${role.name} as process ${process.pid}`);
  membership?.serves();
  const retired = membership?.retired.then(() => "retired" as const);
  const reason = await Promise.race([stop.first, ...(retired ? [retired] : [])]);
  await service.stop(reason === "retired" ? LINGER_MS : 0);
  return 0;
}

/** The page of what this process measures; one among several leaves it to the first. */
async function exposition({ settings, metrics }: Runtime): Promise<AsyncDisposable | undefined> {
  const { PROMETHEUS_PORT: port } = settings;
  if (port === 0) return undefined;
  return cluster.isWorker ? answerPrimary(metrics) : await exposeOwn(port, metrics);
}

async function supervise(
  { settings, log }: Configuration,
  { command, stop }: Omit<Work, "configuration">,
): Promise<number> {
  const { PROMETHEUS_PORT: port } = settings;
  await using _page = port === 0 ? undefined : await serveExposition(port, readWorkers());
  const timeoutMs = (command.timeoutSeconds || DEFAULT_TIMEOUT_SECONDS) * 1000;
  const fleet = new Fleet({ count: command.workers, log, timeoutMs });
  using _watch = command.isReloading ? onSourceChange(() => fleet.renew()) : undefined;
  return await fleet.run(stop);
}

const DEFAULT_TIMEOUT_SECONDS = 90;
