import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { Value } from "@sinclair/typebox/value";
import { openHome, storeOpener } from "#app/stores.ts";
import type { SettingSpecs } from "#base/settings.ts";
import { uuid7 } from "#base/uuid7.ts";
import type { Caller, Ctx, DomainRef, User } from "#core/ctx.ts";
import { domainStores } from "#core/domains/commands.ts";
import type { CorePlugin, TaskDefinition } from "#core/plugin-contract.ts";
import { createRegistry, ensureContentTypes } from "#core/registry.ts";
import type { CoreTables } from "#core/tables.ts";
import { coreSettings, type Settings } from "#platform/config/settings.ts";
import { PostgresNotifier } from "#platform/db/notifier.ts";
import { openDatabase } from "#platform/db/open.ts";
import { IsolatedJq } from "#platform/jq/isolated-jq.ts";
import type { Log } from "#platform/log/log.ts";
import type { Metrics } from "#platform/metrics/metrics.ts";
import type { Plugin } from "#sdk";
import { createDatabase } from "./database.ts";

export interface ContextOptions {
  readonly plugins?: readonly CorePlugin[];
  // biome-ignore lint/suspicious/noExplicitAny: tests bring definitions of different inputs.
  readonly tasks?: readonly TaskDefinition<any>[];
  readonly settings?: Partial<Settings>;
  /** Sees every statement. */
  readonly onStatement?: (text: string) => void;
  /** Another context on the same database, as a second process would be. */
  readonly beside?: TestContextValue;
  readonly kind?: "api" | "content" | "worker";
  /** The box for secrets; without it a recognisable one that hides nothing. */
  readonly secrets?: Ctx["secrets"];
  readonly redis?: NonNullable<Ctx["redis"]>;
  readonly scanner?: NonNullable<Ctx["scanner"]>;
}

export interface TestContextValue {
  readonly ctx: Ctx;
  readonly domain: DomainRef;
  readonly caller: Caller;
  readonly url: string;
  /** Root of the store. */
  readonly mediaRoot: string;
  /** Lines that were logged, `LEVEL message`. */
  readonly logged: string[];
}

/** A full context over a fresh database and store: domain `default`, superuser `admin`. */
export async function createContext(
  t: TestContext,
  options: ContextOptions = {},
): Promise<TestContextValue> {
  const { beside } = options;
  const url = beside?.url ?? (await createDatabase(t)).url;
  const mediaRoot = beside?.mediaRoot ?? (await mkdtemp(join(tmpdir(), "deckle-media-")));
  const settings = testSettings(mediaRoot, options.settings, settingsOf(options.plugins ?? []));
  const logged: string[] = [];
  const databaseOptions = {
    url,
    poolSize: 8,
    applicationName: "test",
    onError: (error: Error) => logged.push(`ERROR ${error.message}`),
    ...(options.onStatement ? { onStatement: options.onStatement } : {}),
  };
  const database = openDatabase<CoreTables>(databaseOptions);
  const notifier = new PostgresNotifier(databaseOptions, database.pool);
  const jq = new IsolatedJq();
  t.after(async () => {
    await jq[Symbol.asyncDispose]();
    await notifier[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
    if (!beside) await rm(mediaRoot, { recursive: true, force: true });
  });
  const plugins = [...(options.plugins ?? []), testPlugin(options.tasks ?? [])];
  const nums = await ensureContentTypes(database.db, plugins);
  const process_ = {
    id: uuid7(),
    kind: options.kind ?? "api",
    name: `${randomUUID()}@${hostname()}`,
  };
  const openStore = storeOpener(settings, process_.id);
  const home = openHome(settings, openStore);
  const clock = { now: () => Date.now() };
  const ctx: Ctx = {
    db: database.db,
    hot: database.hot,
    notifier,
    settings,
    storage: domainStores({
      ...{ hot: database.hot, secrets: options.secrets ?? testSecrets, clock, home },
      open: openStore,
    }),
    openStore,
    http: await createHttp(settings),
    secrets: options.secrets ?? testSecrets,
    clock,
    jq,
    ...(options.redis ? { redis: options.redis } : {}),
    ...(options.scanner ? { scanner: options.scanner } : {}),
    log: memoryLog(logged),
    metrics: silentMetrics,
    plugins: createRegistry(plugins, nums),
    process: { ...process_, versions: { core: "3.95.0" } },
  };
  const { domain, user } = beside
    ? { domain: beside.domain, user: beside.caller.user }
    : await seed(ctx);
  const caller = { domain, user, correlationId: randomUUID().replaceAll("-", "") };
  return { ctx, domain, caller, url, mediaRoot, logged };
}

/** A database nobody uses yet gets its domain and its first user. */
async function seed(ctx: Ctx): Promise<{ domain: DomainRef; user: User }> {
  const domain = await ctx.db
    .insertInto("domain")
    .values({
      id: uuid7(),
      name: "default",
      storage_class: "pulpcore.app.models.storage.FileSystem",
    })
    .returning(["num", "id", "name"])
    .executeTakeFirstOrThrow();
  const { id } = await ctx.db
    .insertInto("app_user")
    .values({ username: "admin", password: "!", is_superuser: true, is_staff: true })
    .returning("id")
    .executeTakeFirstOrThrow();
  return { domain, user: { id, username: "admin", isSuperuser: true, isActive: true } };
}

const testPlugin = (tasks: readonly TaskDefinition[]): CorePlugin => ({
  label: "test",
  version: "1.0.0",
  package: "deckle-test",
  module: "deckle_test",
  migrations: new URL("./no-migrations/", import.meta.url),
  entities: [],
  contentTypes: [],
  repositoryTypes: [],
  access: { policies: [], models: [], adminOnly: [] },
  tasks,
});

/** The tables of settings that plugins bring. */
const settingsOf = (plugins: readonly (CorePlugin & Partial<Plugin>)[]): SettingSpecs =>
  Object.assign({}, ...plugins.map(({ settings }) => settings ?? {}));

/** Defaults of every declared setting, with folders of the test. */
export function testSettings(
  mediaRoot: string,
  overrides: Partial<Settings> = {},
  more: SettingSpecs = {},
): Settings {
  const specs: SettingSpecs = { ...coreSettings, ...more };
  const defaults = Object.entries(specs).map(([name, spec]) => [name, Value.Clone(spec.default)]);
  const values = Object.fromEntries(defaults) as Settings;
  return {
    ...values,
    MEDIA_ROOT: mediaRoot,
    WORKING_DIRECTORY: join(mediaRoot, "work"),
    ...overrides,
  };
}

async function createHttp(settings: Settings): Promise<Ctx["http"]> {
  const found = await import("#platform/http/undici.ts").catch(() => undefined);
  if (!found) return {} as Ctx["http"];
  return found.createHttp({
    deniedNetworks: settings.REMOTE_DENIED_NETWORKS,
    importPaths: settings.ALLOWED_IMPORT_PATHS,
  });
}

/** Reversible and recognisable; the real box has tests of its own. */
const testSecrets: Ctx["secrets"] = {
  keyName: "00000000",
  seal: (text) => `sealed:${Buffer.from(text).toString("base64url")}`,
  open: (token) => Buffer.from(token.replace(/^sealed:/, ""), "base64url").toString(),
};

const silentMetrics: Metrics = {
  count: () => undefined,
  observe: () => undefined,
  gauge: () => undefined,
  render: () => Promise.resolve(""),
};

function memoryLog(lines: string[]): Log {
  const write = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  const log: Log = {
    debug: write("DEBUG"),
    info: write("INFO"),
    warn: write("WARNING"),
    error: write("ERROR"),
    unhandled: (error) =>
      write("ERROR")(error instanceof Error ? (error.stack ?? error.message) : String(error)),
    named: () => log,
    of: () => log,
  };
  return log;
}
