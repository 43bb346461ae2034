import type { Plugin } from "#sdk";
import { prependTrueClient } from "./client-address.ts";
import { profileRequests } from "./profiler.ts";
import { openSamlSessions } from "./saml-session.ts";

type Middleware = NonNullable<Plugin["middleware"]>[number];

const named = (name: string, attach: Middleware["attach"]): Middleware => ({
  identifier: `pulp_service.app.middleware.${name}`,
  attach,
});

/** What `MIDDLEWARE` may name; any order works (service §12.1). */
export const serviceMiddleware: readonly Middleware[] = [
  named("TrueClientIPMiddleware", (_ctx, { app }) => {
    app.addHook("onRequest", async ({ raw }) => prependTrueClient(raw));
  }),
  // The path of a request is known wherever a line is written about it, with this or without.
  named("RequestPathMiddleware", () => undefined),
  named("ActiveConnectionsMetricMiddleware", (ctx, { app }) => {
    const labels = { worker_name: ctx.process.name };
    app.addHook("onRequest", async (_request, { raw }) => {
      ctx.metrics.count("pulp_api_active_connections", labels, 1);
      raw.once("close", () => ctx.metrics.count("pulp_api_active_connections", labels, -1));
    });
  }),
  named("ProfilerMiddleware", profileRequests),
  named("RhEdgeHostMiddleware", (_ctx, { app }) => {
    app.addHook("onRequest", async ({ raw }) => {
      const host = raw.headers["x-rh-edge-host"];
      if (typeof host === "string" && host !== "") raw.headers["x-forwarded-host"] = host;
    });
  }),
  named("RHSamlAuthHeaderMiddleware", openSamlSessions),
];
