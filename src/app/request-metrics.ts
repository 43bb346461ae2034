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
  /** One response of the content app is over. */
  content(request: IncomingMessage, response: ServerResponse, elapsedMs: number): void;
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
  const labelsOf = contentLabels(worker_name);
  return {
    answered(request, { status, template, elapsedMs }) {
      if (isExcluded?.(absoluteUrl(request))) return;
      metrics.observe("pulp_api_request_duration_milliseconds", elapsedMs, {
        http_method: request.method ?? "",
        http_status_code: statusClass(status),
        http_target: status > 400 ? "" : template.replaceAll("{key}", "{pk}"),
        worker_name,
      });
    },
    content(request, response, elapsedMs) {
      if (isExcluded?.(absoluteUrl(request))) return;
      const labels = labelsOf(request.method ?? "", response.statusCode, isList(request.url ?? ""));
      metrics.observe("pulp_content_request_duration_milliseconds", elapsedMs, labels);
    },
  };
}

/** Labels of a response; those of nearly all of them are constants, which are found at once. */
function contentLabels(worker_name: string) {
  const labels = (method: string, status: string, isList: boolean) =>
    Object.freeze({
      http_method: method,
      http_status_code: status,
      http_route: isList ? "list_distributions" : "stream_content",
      worker_name,
    });
  const gets = ["2xx", "3xx", "4xx", "5xx"].map((status) => ({
    list: labels("GET", status, true),
    file: labels("GET", status, false),
  }));
  return (method: string, status: number, isList: boolean) => {
    const constant = method === "GET" ? gets[Math.floor(status / 100) - 2] : undefined;
    if (constant) return isList ? constant.list : constant.file;
    return labels(method, statusClass(status), isList);
  };
}

/** Addresses of distributions, in which the domain is a path. */
function listPaths({ CONTENT_PATH_PREFIX: prefix, DOMAIN_ENABLED }: Ctx["settings"]) {
  const depth = prefix.split("/").length + (DOMAIN_ENABLED ? 1 : 0);
  return (url: string): boolean => {
    const mark = url.indexOf("?");
    const end = (mark < 0 ? url.length : mark) - 1;
    if (url[end] !== "/" || !url.startsWith(prefix)) return false;
    return url.slice(0, end).split("/").length === depth - 1;
  };
}

function absoluteUrl({ headers, socket, url = "/" }: IncomingMessage): string {
  const scheme = (socket as Partial<TLSSocket>).encrypted ? "https" : "http";
  return `${scheme}://${headers.host ?? ""}${url}`;
}
