import { sql } from "kysely";
import type { Json } from "#base/json.ts";
import type { Ctx, DomainRef } from "#core/ctx.ts";
import { databaseAnswers } from "#core/readiness.ts";
import { defineEndpoint, type Endpoint } from "../kit/resource.ts";
import { restErrors } from "../kit/rest-errors.ts";

interface OnlineApp {
  readonly kind: string;
  readonly name: string;
  readonly last_heartbeat: string;
  readonly versions: Readonly<Record<string, string>>;
}

/** Undefined when the database does not answer. */
async function onlineApps({ hot, log }: Ctx): Promise<readonly OnlineApp[] | undefined> {
  const statement = {
    name: "online apps",
    text: `select kind, name, last_heartbeat, versions from app_process
      where last_heartbeat >= clock_timestamp() - ttl_seconds * interval '1 second' order by created, id`,
  };
  try {
    return await hot.query<OnlineApp>(statement, []);
  } catch (error) {
    log.warn(`${restErrors.database.spec.message()} ${error}`);
    return undefined;
  }
}

/** Figures of the volume; of an object store, what the domain's artifacts take. */
async function storageFigures(ctx: Ctx, domain: DomainRef): Promise<Json> {
  try {
    const usage = await ctx.storage(domain).usage();
    if (usage) return { total: usage.total, used: usage.used, free: usage.free };
    const { rows } = await sql<{ used: number }>`
      select coalesce(sum(size), 0)::bigint as used from artifact where domain = ${domain.num}`.execute(
      ctx.db,
    );
    return { total: null, used: rows[0]?.used ?? 0, free: null };
  } catch (error) {
    ctx.log.warn(`The store tells no figures. ${error}`);
    return null;
  }
}

const versionsOf = ({ plugins }: Ctx): Json =>
  plugins.all.map(({ label, version, package: name, module, isDomainCompatible = true }) => ({
    component: label,
    version,
    package: name,
    module,
    domain_compatible: isDomainCompatible,
  }));

const appsOf = (apps: readonly OnlineApp[], kind: string): Json =>
  apps
    .filter((app) => app.kind === kind)
    .map(({ name, last_heartbeat, versions }) => ({ name, last_heartbeat, versions }));

export const status: Endpoint = defineEndpoint({
  path: "status",
  method: "GET",
  label: "core",
  operationId: "status_read",
  tag: "Status",
  title: "Inspect status of Pulp",
  answers: { 200: "StatusResponse" },
  isPublic: true,
  async run({ ctx, caller }) {
    const apps = await onlineApps(ctx);
    const { settings } = ctx;
    const body = {
      versions: versionsOf(ctx),
      online_workers: appsOf(apps ?? [], "worker"),
      online_api_apps: appsOf(apps ?? [], "api"),
      online_content_apps: appsOf(apps ?? [], "content"),
      database_connection: { connected: apps !== undefined },
      redis_connection: { connected: (await ctx.redis?.isConnected()) ?? false },
      storage: await storageFigures(ctx, caller.domain),
      content_settings: {
        content_origin: settings.CONTENT_ORIGIN,
        content_path_prefix: settings.CONTENT_PATH_PREFIX,
      },
      domain_enabled: settings.DOMAIN_ENABLED,
    };
    return { kind: "json", status: 200, body };
  },
});

/** Says that the process answers, and nothing else. */
export const livez: Endpoint = defineEndpoint({
  path: "livez",
  method: "GET",
  label: "core",
  operationId: "livez_read",
  tag: "Livez",
  title: "Inspect liveness of Pulp's REST API.",
  answers: { 200: null },
  isPublic: true,
  isDetached: true,
  run: async () => ({ kind: "empty", status: 200 }),
});

/**
 * Says whether requests can be served now: 503 as long as the database does not answer. Migrations are
 * looked at before a process serves, and Redis is needed by nobody (core-tasks-ops §15).
 */
export const readyz: Endpoint = defineEndpoint({
  path: "readyz",
  method: "GET",
  label: "core",
  operationId: "readyz_read",
  tag: "Readyz",
  title: "Inspect readiness of the REST API.",
  answers: { 200: null, 503: null },
  isPublic: true,
  isDetached: true,
  run: async ({ ctx }) => ({ kind: "empty", status: (await databaseAnswers(ctx)) ? 200 : 503 }),
});
