import { hostname } from "node:os";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import type { Ctx } from "#core/ctx.ts";
import { domainStores } from "#core/domains/commands.ts";
import { closeListeners } from "#core/events/commands.ts";
import type { CorePlugin, PluginRegistry } from "#core/plugin-contract.ts";
import { createRegistry, ensureContentTypes } from "#core/registry.ts";
import type { CoreTables } from "#core/tables.ts";
import { processName } from "#core/tasks/rules.ts";
import type { ProcessKind } from "#core/tasks/table.ts";
import type { Settings } from "#platform/config/settings.ts";
import type { Secrets } from "#platform/crypto/secrets.ts";
import { migrationStates } from "#platform/db/migrate.ts";
import { PostgresNotifier } from "#platform/db/notifier.ts";
import { type Database, type DatabaseOptions, openDatabase } from "#platform/db/open.ts";
import { openErrorTracker } from "#platform/errors/open.ts";
import type { Http } from "#platform/http/http.ts";
import { createHttp } from "#platform/http/undici.ts";
import { IsolatedJq } from "#platform/jq/isolated-jq.ts";
import type { Jq } from "#platform/jq/jq.ts";
import type { ProcessLog } from "#platform/log/create-log.ts";
import type { Metrics } from "#platform/metrics/metrics.ts";
import {
  createMetrics,
  type PrometheusMetrics,
  silentMetrics,
} from "#platform/metrics/prometheus.ts";
import { openTelemetry, type Telemetry } from "#platform/metrics/telemetry.ts";
import type { Redis } from "#platform/redis/redis.ts";
import { Clamd } from "#platform/scan/clamd.ts";
import type { Scanner } from "#platform/scan/scanner.ts";
import { type Configuration, openSecrets } from "./configure.ts";
import { databaseTls, databaseUrl } from "./database-url.ts";
import { appErrors } from "./errors.ts";
import { migrationSources } from "./plugins.ts";
import { redisOf, seldomRedis } from "./redis.ts";
import { openHome, storeOpener } from "./stores.ts";
import { ownRelease } from "./version.ts";

/** The second phase: everything that the services of one process share. */
export interface Runtime extends AsyncDisposable {
  readonly settings: Settings;
  readonly log: ProcessLog;
  readonly metrics: PrometheusMetrics;
  readonly database: Database<CoreTables>;
  /** A context with an application record of its own. */
  createCtx(kind: ProcessKind): Ctx;
}

export interface RuntimeOptions {
  readonly plugins: readonly CorePlugin[];
  /** `api`, `content`, …: how the connections are called. */
  readonly role: string;
  readonly poolSize?: number;
  /** A task child: its parent has looked at the migrations, and nobody reads its metrics. */
  readonly isChild?: boolean;
  /** Where a child measures; nowhere without it. */
  readonly metrics?: Metrics;
}

/**
 * Opens the database and what needs no opening.
 *
 * @throws `appErrors.domains` if a plugin knows none, `appErrors.database` if it cannot be reached, `appErrors.unmigrated` if it is behind
 */
export async function openRuntime(
  configuration: Configuration,
  options: RuntimeOptions,
): Promise<Runtime> {
  const { settings, log } = configuration;
  requireDomains(settings, options.plugins);
  const secrets = openSecrets(settings);
  await using stack = new AsyncDisposableStack();
  const { database, connection } = connect(configuration, options);
  stack.use(database);
  if (!options.isChild) await requireMigrations(database);
  stack.defer(() => closeListeners({ hot: database.hot, log }));
  const notifier = stack.use(new PostgresNotifier(connection, database.pool));
  const redisUsers = { settings, plugins: options.plugins, log };
  const redis = options.isChild ? seldomRedis(redisUsers) : await redisOf(redisUsers);
  if (redis) stack.use(redis);
  const jq = stack.use(new IsolatedJq());
  stack.use(await trackErrors(configuration, options.role));
  const telemetry = options.isChild ? undefined : await openTelemetryOf(configuration);
  if (telemetry) stack.use(telemetry);
  const nums = await ensureContentTypes(database.db, options.plugins);
  const parts: Parts = {
    configuration,
    options,
    secrets,
    jq,
    redis,
    scanner: scannerOf(settings),
    database,
    notifier,
    registry: createRegistry(options.plugins, nums),
    metrics: options.isChild
      ? { ...silentMetrics, ...options.metrics }
      : metricsOf(settings, database, telemetry),
    http: createHttp({
      deniedNetworks: settings.REMOTE_DENIED_NETWORKS,
      importPaths: settings.ALLOWED_IMPORT_PATHS,
    }),
  };
  const opened = stack.move();
  return {
    settings,
    log,
    metrics: parts.metrics,
    database,
    createCtx: (kind) => createCtx(parts, kind),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** @throws `appErrors.domains` if a plugin would mix what tenants have */
export function requireDomains(settings: Settings, plugins: readonly CorePlugin[]): void {
  if (!settings.DOMAIN_ENABLED) return;
  const others = plugins.filter(({ isDomainCompatible = true }) => !isDomainCompatible);
  if (others.length > 0) throw appErrors.domains(others.map(({ label }) => label).join(", "));
}

/** Opens only the pool, for commands; nothing connects yet. */
export function connect(
  { settings, log }: Pick<Configuration, "settings" | "log">,
  { role, poolSize }: Pick<RuntimeOptions, "role" | "poolSize">,
): { readonly database: Database<CoreTables>; readonly connection: DatabaseOptions } {
  const connection: DatabaseOptions = {
    url: databaseUrl(settings.DATABASES),
    tls: databaseTls(settings.DATABASES),
    poolSize: poolSize ?? settings.DATABASE_POOL_SIZE,
    applicationName: `deckle ${role}`,
    onError: (error) => log.named("deckle.database").warn(`A connection broke: ${error.message}`),
  };
  return { database: openDatabase<CoreTables>(connection), connection };
}

/** @throws `appErrors.database` */
export async function ping({ db }: Pick<Database<CoreTables>, "db">): Promise<void> {
  try {
    await sql`select 1`.execute(db);
  } catch (error) {
    throw appErrors.database((error as Error).message.replace(/\.$/, "") || "no answer");
  }
}

interface Parts {
  readonly configuration: Configuration;
  readonly options: RuntimeOptions;
  readonly secrets: Secrets;
  readonly jq: Jq;
  readonly redis: Redis | undefined;
  readonly scanner: Scanner | undefined;
  readonly database: Database<CoreTables>;
  readonly notifier: PostgresNotifier;
  readonly registry: PluginRegistry;
  readonly metrics: PrometheusMetrics;
  readonly http: Http;
}

async function requireMigrations(database: Database<CoreTables>): Promise<void> {
  await ping(database);
  const states = await migrationStates(database.db as never, migrationSources());
  const missing = states.filter(({ isApplied }) => !isApplied).length;
  if (missing > 0) throw appErrors.unmigrated(missing);
}

function createCtx(parts: Parts, kind: ProcessKind): Ctx {
  const { settings, log } = parts.configuration;
  const id = uuid7();
  const openStore = storeOpener(settings, id);
  const clock = { now: () => Date.now() };
  const home = openHome(settings, openStore);
  return {
    db: parts.database.db,
    hot: parts.database.hot,
    notifier: parts.notifier,
    settings,
    storage: domainStores({ ...parts, hot: parts.database.hot, clock, home, open: openStore }),
    openStore,
    http: parts.http,
    secrets: parts.secrets,
    clock,
    jq: parts.jq,
    ...(parts.redis ? { redis: parts.redis } : {}),
    ...(parts.scanner ? { scanner: parts.scanner } : {}),
    log,
    metrics: parts.metrics,
    plugins: parts.registry,
    process: {
      id,
      kind,
      name: processName(settings.WORKER_NAME_TEMPLATE, {
        pid: process.pid,
        hostname: hostname(),
        fqdn: hostname(),
      }),
      versions: Object.fromEntries(
        parts.options.plugins.map(({ label, version }) => [label, version]),
      ),
    },
  };
}

/** Reports unhandled errors where `SENTRY_DSN` says so (service §20). */
async function trackErrors({ log }: Configuration, role: string): Promise<AsyncDisposable> {
  const { SENTRY_DSN: dsn, ENV_NAME } = process.env;
  if (!dsn) return { [Symbol.asyncDispose]: () => Promise.resolve() };
  const tracker = await openErrorTracker({
    ...{ dsn, role, release: `deckle@${ownRelease()}`, environment: ENV_NAME },
    onTrouble: (message) => log.named("deckle.errors").warn(message),
  });
  log.onUnhandled((error, where) => tracker.capture(error, where));
  process.on("uncaughtException", async (error) => {
    log.unhandled(error, { place: "process" });
    await tracker.flush();
    process.exit(1);
  });
  return tracker;
}

const openTelemetryOf = async ({ settings, log }: Configuration): Promise<Telemetry | undefined> =>
  settings.OTEL_ENABLED
    ? openTelemetry({
        environment: process.env,
        apiBuckets: settings.OTEL_PULP_API_HISTOGRAM_BUCKETS,
        version: ownRelease(),
        log: log.named("deckle.telemetry"),
      })
    : undefined;

const scannerOf = (settings: Settings): Scanner | undefined =>
  settings.CLAMAV_HOST
    ? new Clamd({
        host: settings.CLAMAV_HOST,
        port: settings.CLAMAV_PORT,
        timeoutMs: settings.CLAMAV_TIMEOUT * 1000,
      })
    : undefined;

function metricsOf(
  { OTEL_PULP_API_HISTOGRAM_BUCKETS: apiBuckets }: Settings,
  { pool }: Database<CoreTables>,
  telemetry: Telemetry | undefined,
): PrometheusMetrics {
  const metrics = createMetrics({ apiBuckets, telemetry });
  metrics.addCollector((into) => {
    const used = pool.totalCount - pool.idleCount;
    into.gauge("deckle_database_connections", used, { state: "used" });
    into.gauge("deckle_database_connections", pool.idleCount, { state: "idle" });
    into.gauge("deckle_database_waiting", pool.waitingCount);
  });
  return metrics;
}
