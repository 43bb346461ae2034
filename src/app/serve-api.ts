import { createServer, type IncomingMessage, type Server } from "node:http";
import { withoutToken } from "#core/access/token-text.ts";
import type { Ctx } from "#core/ctx.ts";
import { domainFinder } from "#core/domains/queries.ts";
import { openListeners } from "#core/events/commands.ts";
import { startHeartbeat } from "#core/tasks/heartbeat.ts";
import { ACCESS_FORMATS, type AccessFacts } from "#platform/log/access-log.ts";
import { requestEnvironment } from "#platform/log/gateway-identity.ts";
import { loginRoutes } from "#rest/auth/login-routes.ts";
import { requesterOf } from "#rest/auth/requesters.ts";
import { descriptionRoutes } from "#rest/kit/openapi/routes.ts";
import { type Route, routesOf } from "#rest/kit/routes.ts";
import { createApi } from "#rest/kit/server.ts";
import { pageRoutes } from "#rest/pages/page-routes.ts";
import type { Composition } from "./composition.ts";
import { openDoors } from "./doors.ts";
import { Drain } from "./drain.ts";
import { guardOf } from "./guard-of.ts";
import { authenticationOf, requestHooks, sitesOf } from "./hooks.ts";
import { openMeters } from "./meters.ts";
import { requestMetrics } from "./request-metrics.ts";
import type { Runtime } from "./runtime.ts";
import { accessLogOf, closeServer, listen, type ServerOptions, type Service } from "./service.ts";

/** Starts the REST API; resolves when it answers on every address. */
export async function serveApi(
  runtime: Runtime,
  composition: Composition,
  options: ServerOptions,
): Promise<Service> {
  const ctx = runtime.createCtx("api");
  const measured = requestMetrics(ctx);
  const { api, generalTasks } = composition;
  const meters = openMeters(ctx, composition.shipped);
  const doors = openDoors(ctx, composition.shipped, { measured, meters });
  const keepAliveTimeout = options.keepAliveTimeoutMs ?? KEEP_ALIVE_MS;
  const app = createApi(ctx, {
    api,
    routes: [
      ...routesOf(api, generalTasks),
      ...descriptionRoutes(authenticationOf(composition.shipped)),
      ...loginRoutes(),
      ...pageRoutes(sitesOf(composition.shipped), ctx.settings, generalTasks),
      ...(ctx.settings.METRICS_ENABLED ? [metricsRoute(runtime)] : []),
    ],
    findDomain: domainFinder(ctx),
    refuseDownload: guardOf(ctx, composition.shipped),
    ...requestHooks(ctx, composition.shipped, meters),
    before: doors.before,
    http: { keepAliveTimeoutMs: keepAliveTimeout },
    onAnswer: (request, { statusCode: status }, elapsedMs) =>
      measured?.answered(request.raw, { status, template: request.routeTemplate, elapsedMs }),
  });
  await app.ready();
  openListeners(ctx);
  const [, ...others] = options.binds;
  const extra = others.map(() =>
    createServer({ maxHeaderSize: 65_536 }, doors.before(app.routing)),
  );
  const servers = [app.server, ...extra];
  const drain = new Drain(options.onAnswered);
  const accessLog = accessLogOf(options, ACCESS_FORMATS.api, ctx.settings);
  for (const server of servers) {
    Object.assign(server, LIMITS, { keepAliveTimeout });
    server.prependListener("request", (request, response) => drain.observe(request, response));
    if (options.requestTimeoutMs) limitRequests(server, options.requestTimeoutMs);
    if (accessLog)
      server.prependListener("request", (q, s) => accessLog.observe(q, s, factsOf(q, ctx.log)));
  }
  const heartbeat = await startHeartbeat(ctx);
  await Promise.all(options.binds.map((bind, index) => listen(servers[index] ?? app.server, bind)));
  return {
    name: "api",
    async stop(lingerMs = 0) {
      if (lingerMs > 0) await drain.begin(servers, lingerMs);
      doors.stopKeeping();
      await Promise.all(servers.map((server) => closeServer(server, options.graceMs)));
      await app.close();
      await doors.close(options.graceMs);
      await meters?.close();
      await heartbeat.stop();
      await accessLog?.[Symbol.asyncDispose]();
    },
  };
}

/** A connection without a byte for so long is given up; uploads may take as long as they want. */
const LIMITS = { timeout: 300_000, requestTimeout: 0, headersTimeout: 60_000 };
/** Above the 60 to 75 s of the proxies in front, so that they close first. */
const KEEP_ALIVE_MS = 80_000;

/** Cuts off what takes too long. */
function limitRequests(server: Server, limitMs: number): void {
  server.prependListener("request", (_request, response) => {
    const late = setTimeout(() => response.socket?.destroy(), limitMs);
    response.once("close", () => clearTimeout(late));
  });
}

/** Who it was, or the name that a client gave: a refused one is in the log with its 401. */
const factsOf = (request: IncomingMessage, log: Ctx["log"]) => (): AccessFacts => {
  const [, token] = /^basic\s+(\S+)$/i.exec(request.headers.authorization ?? "") ?? [];
  const [given] = Buffer.from(token ?? "", "base64")
    .toString()
    .split(":");
  const user = requesterOf(request) ?? given;
  // Some put a token where the name belongs.
  const environment = requestEnvironment(request, log);
  return user ? { user: withoutToken(user), environment } : { environment };
};

const metricsRoute = ({ metrics }: Runtime): Route => ({
  path: "/metrics",
  scope: "site",
  name: "metrics",
  operations: [
    {
      method: "GET",
      permission: "get",
      isPublic: true,
      isDetached: true,
      run: async ({ reply }) =>
        reply.header("content-type", metrics.contentType).send(await metrics.render()),
    },
  ],
});
