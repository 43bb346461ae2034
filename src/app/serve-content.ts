import { databaseAnswers } from "#core/readiness.ts";
import { startHeartbeat } from "#core/tasks/heartbeat.ts";
import { artifactDistribution } from "#delivery/artifact-distribution.ts";
import type { ContentRoute } from "#delivery/contract.ts";
import { createContentServer } from "#delivery/server.ts";
import { ACCESS_FORMATS } from "#platform/log/access-log.ts";
import { requestEnvironment } from "#platform/log/gateway-identity.ts";
import type { Composition } from "./composition.ts";
import { Drain } from "./drain.ts";
import { guardHandlers } from "./guard-handlers.ts";
import { downloadHooks } from "./hooks.ts";
import { openMeters } from "./meters.ts";
import { probeRoutes } from "./probes.ts";
import { requestMetrics } from "./request-metrics.ts";
import type { Runtime } from "./runtime.ts";
import { accessLogOf, listening, type ServerOptions, type Service } from "./service.ts";

/** Starts the content app; resolves when it answers on every address. */
export async function serveContent(
  runtime: Runtime,
  composition: Composition,
  options: ServerOptions,
): Promise<Service> {
  const ctx = runtime.createCtx("content");
  const measured = requestMetrics(ctx);
  const onDownload = downloadHooks(ctx, composition.shipped);
  const accessLog = accessLogOf(options, ACCESS_FORMATS.content, ctx.settings);
  const meters = openMeters(ctx, composition.shipped);
  const drain = new Drain((request, response, elapsedMs) => {
    measured?.content(request, response, elapsedMs);
    options.onAnswered?.();
  });
  const content = createContentServer(ctx, {
    handlers: [artifactDistribution, ...composition.shipped.flatMap(({ delivery }) => delivery)],
    guards: guardHandlers(composition.shipped),
    routes: [
      ...probeRoutes(ctx.settings.CONTENT_PATH_PREFIX, () => databaseAnswers(ctx)),
      ...(ctx.settings.METRICS_ENABLED ? [metricsRoute(runtime)] : []),
    ],
    observe: (request, response) => {
      onDownload(request, response);
      drain.observe(request, response);
      accessLog?.observe(request, response, () => ({
        environment: requestEnvironment(request, ctx.log),
      }));
    },
    ...(meters ? { onSent: (sent) => meters.sent(sent) } : {}),
    ...(options.keepAliveTimeoutMs ? { keepAliveMs: options.keepAliveTimeoutMs } : {}),
  });
  const heartbeat = await startHeartbeat(ctx);
  await Promise.all(
    options.binds.map((bind) => listening(bind, content.listen({ ...bind, backlog: 1024 }))),
  );
  return {
    name: "content",
    async stop(lingerMs = 0) {
      if (lingerMs > 0) await drain.begin(content.servers, lingerMs);
      await content.close(AbortSignal.timeout(options.graceMs));
      await meters?.close();
      await heartbeat.stop();
      await accessLog?.[Symbol.asyncDispose]();
    },
  };
}

const metricsRoute = ({ metrics }: Runtime): ContentRoute => ({
  path: "/metrics",
  async handle(_ctx, request, response) {
    const text = request.method === "HEAD" ? "" : await metrics.render();
    response.writeHead(200, { "content-type": metrics.contentType }).end(text);
  },
});
