import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import type { Ctx } from "#core/ctx.ts";
import { isMeasured } from "#core/measures/queries.ts";
import { excludedUrls } from "#platform/metrics/excluded-urls.ts";
import { statusClass } from "#platform/metrics/prometheus.ts";

/** What is measured of the requests of one server. */
export interface RequestMetrics {
  /** One answer of the API is over. */
  answered(request: IncomingMessage, answer: ApiAnswer): void;
  /** Measures a request of the content app when its response is over. */
  content(request: IncomingMessage, response: ServerResponse): void;
}

export interface ApiAnswer {
  readonly status: number;
  /** Path with placeholders, without a leading slash. */
  readonly template: string;
  readonly elapsedMs: number;
}

/** Nothing is measured where nobody reads it. */
export function requestMetrics(ctx: Ctx): RequestMetrics | undefined {
  if (!isMeasured(ctx.settings)) return undefined;
  const isExcluded = excludedUrls(process.env);
  const { metrics } = ctx;
  const worker_name = ctx.process.name;
  const isList = listPaths(ctx.settings);
  return {
    answered(request, { status, template, elapsedMs }) {
      if (isExcluded(absoluteUrl(request))) return;
      metrics.observe("pulp_api_request_duration_milliseconds", elapsedMs, {
        http_method: request.method ?? "",
        http_status_code: statusClass(status),
        http_target: status > 400 ? "" : template.replaceAll("{key}", "{pk}"),
        worker_name,
      });
    },
    content(request, response) {
      const start = performance.now();
      response.once("close", () => {
        if (isExcluded(absoluteUrl(request))) return;
        const [path = ""] = (request.url ?? "").split("?", 1);
        metrics.observe("pulp_content_request_duration_milliseconds", performance.now() - start, {
          http_method: request.method ?? "",
          http_status_code: statusClass(response.statusCode),
          http_route: isList(path) ? "list_distributions" : "stream_content",
          worker_name,
        });
      });
    },
  };
}

/** Addresses of distributions, in which the domain is a path. */
function listPaths({ CONTENT_PATH_PREFIX: prefix, DOMAIN_ENABLED }: Ctx["settings"]) {
  const depth = prefix.split("/").length + (DOMAIN_ENABLED ? 1 : 0);
  return (path: string): boolean =>
    path.startsWith(prefix) && path.endsWith("/") && path.split("/").length === depth;
}

function absoluteUrl({ headers, socket, url = "/" }: IncomingMessage): string {
  const scheme = (socket as Partial<TLSSocket>).encrypted ? "https" : "http";
  return `${scheme}://${headers.host ?? ""}${url}`;
}
