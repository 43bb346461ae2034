import { randomText } from "#core/access/passwords.ts";
import { bindText } from "./bind.ts";
import { type Composition, compose } from "./composition.ts";
import { type Configuration, logWarnings } from "./configure.ts";
import { type Home, openHome } from "./home.ts";
import { openHomeDatabase } from "./home-database.ts";
import { enabledPlugins } from "./plugins.ts";
import { ensureAdmin, prepareAccess, prepareDatabase } from "./prepare-database.ts";
import { connect, openRuntime, ping, type Runtime } from "./runtime.ts";
import { serveApi } from "./serve-api.ts";
import { serveContent } from "./serve-content.ts";
import { serveWorker } from "./serve-worker.ts";
import type { Service } from "./service.ts";
import { onStop } from "./signals.ts";
import { readStartOptions, START_USAGE, type StartOptions } from "./start-options.ts";

/** Running requests may take this long after the stop. */
const GRACE_MS = 30_000;
/** The roles of this process share one pool. */
const POOL_SIZE = 8;

/** `npm start`: every role and the embedded database, until a signal; resolves to the exit code. */
export async function startCommand(parameters: readonly string[]): Promise<number> {
  const options = readStartOptions(parameters, process.env);
  if (!options) {
    process.stdout.write(START_USAGE);
    return 0;
  }
  // No process that this one starts needs it.
  delete process.env.DECKLE_ADMIN_PASSWORD;
  const stop = onStop();
  const hard = stop.second.then(() => 130);
  return Promise.race([hard, run(options, stop.first)]);
}

async function run(options: StartOptions, stopped: Promise<unknown>): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const home = stack.use(await openHome(options.home));
  const extra = {
    METRICS_ENABLED: true,
    CONTENT_ORIGIN: options.contentOrigin,
    PYPI_API_HOSTNAME: options.apiOrigin ?? "",
    ...(options.taskSlots === undefined ? {} : { TASK_SLOTS: options.taskSlots }),
  };
  const { configuration, isEmbedded } = await openHomeDatabase(home, extra, stack);
  logWarnings(configuration);
  const password = await prepare(configuration, options);
  const composition = compose(enabledPlugins(configuration.settings.ENABLED_PLUGINS));
  const runtime = stack.use(
    await openRuntime(configuration, {
      plugins: composition.plugins,
      role: "start",
      poolSize: Math.max(POOL_SIZE, configuration.settings.DATABASE_POOL_SIZE),
    }),
  );
  await prepareAccess(runtime);
  const services = await serve(runtime, options, composition);
  tell(options, { home, isEmbedded, password, runtime });
  await stopped;
  runtime.log.info("Stopping; running requests and tasks are finished first.");
  await Promise.all(services.map((service) => service.stop()));
  return 0;
}

/** Starts every role; if one cannot start, those before it are stopped again. */
async function serve(
  runtime: Runtime,
  options: StartOptions,
  composition: Composition,
): Promise<readonly Service[]> {
  const started: Service[] = [];
  const graceMs = GRACE_MS;
  try {
    const { apiBind, contentBind } = options;
    started.push(await serveApi(runtime, composition, { binds: [apiBind], graceMs }));
    started.push(await serveContent(runtime, composition, { binds: [contentBind], graceMs }));
    const worker = serveWorker(runtime);
    started.push({ name: "worker", stop: () => worker.stop("grace") });
    return started;
  } catch (error) {
    await Promise.all(started.map((service) => service.stop()));
    throw error;
  }
}

/** Migrates and makes the administrator; returns the password if it was made up now. */
async function prepare(
  configuration: Configuration,
  { adminPassword }: StartOptions,
): Promise<string | undefined> {
  const { database } = connect(configuration, { role: "migrate", poolSize: 1 });
  await using held = database;
  await ping(held);
  await prepareDatabase(held.db, configuration.settings);
  const password = adminPassword ?? randomText(20);
  const isNew = await ensureAdmin(held.db, password);
  return isNew && adminPassword === undefined ? password : undefined;
}

interface Facts {
  readonly home: Home;
  readonly isEmbedded: boolean;
  readonly password: string | undefined;
  readonly runtime: Runtime;
}

/** The banner, and the line that scripts wait for. */
function tell(options: StartOptions, { home, isEmbedded, password, runtime }: Facts): void {
  const { API_ROOT, CONTENT_PATH_PREFIX } = runtime.settings;
  const lines = [
    "Deckle, a repository server that speaks Pulp",
    `  API       http://${bindText(options.apiBind)}${API_ROOT}api/v3/`,
    `  content   http://${bindText(options.contentBind)}${CONTENT_PATH_PREFIX}`,
    `  data      ${home.folder}`,
    `  database  ${isEmbedded ? "embedded PostgreSQL" : "PostgreSQL of DATABASE_URL or the settings"}`,
    ...(password === undefined
      ? []
      : [`  user      admin, password ${password} (shown only this once)`]),
    "  stop      Ctrl-C",
    `ready: API on ${bindText(options.apiBind)}, content on ${bindText(options.contentBind)}`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}
