import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { type TestContext, test } from "node:test";
import { createLog } from "#platform/log/create-log.ts";
import { excludedUrls } from "#platform/metrics/excluded-urls.ts";
import { createMetrics } from "#platform/metrics/prometheus.ts";
import { openTelemetry } from "#platform/metrics/telemetry.ts";
import { startOtlpReceiver } from "../../support/otlp-receiver.ts";

async function telemetryOf(environment: Readonly<Record<string, string>>, apiBuckets = [100, 250]) {
  const told: string[] = [];
  const log = createLog({ level: "info", format: "text", write: (line) => void told.push(line) });
  const telemetry = await openTelemetry({ environment, apiBuckets, version: "0.0.1", log });
  return { telemetry, told };
}

/** The exporter of the SDK reads its variables from the process. */
function endpoint(t: TestContext, url: string): void {
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = url;
  t.after(() => {
    delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  });
}

test("every instrument arrives with its name, unit, service and attributes", async (t) => {
  const receiver = await startOtlpReceiver(t);
  endpoint(t, receiver.url);
  const { telemetry } = await telemetryOf({ OTEL_METRIC_EXPORT_INTERVAL: "7000" });
  const metrics = createMetrics({ apiBuckets: [100, 250], telemetry });
  const api = { http_method: "GET", http_status_code: "2xx", http_target: "p/", worker_name: "w" };
  metrics.observe("pulp_api_request_duration_milliseconds", 120, api);
  metrics.observe("pulp_api_request_duration_milliseconds", 99, api);
  metrics.observe("pulp_content_request_duration_milliseconds", 3, {
    ...{ http_method: "GET", http_status_code: "4xx", http_route: "stream_content" },
    worker_name: "w",
  });
  for (const by of [1, 1, -1]) {
    metrics.count("pulp_api_active_connections", { worker_name: "w" }, by);
  }
  const served = { domain_name: "d", worker_process: "w" };
  metrics.count("pulp_artifacts_size_counter_Bytes_total", served, 12);
  metrics.gauge("pulp_space_usage_bytes", 7, { domain_name: "d" });
  metrics.gauge("pulp_tasks_unblocked_queue", 1);
  metrics.gauge("pulp_tasks_longest_unblocked_time_seconds", 90_000.5);
  metrics.gauge("pulp_waiting_tasks", -2);
  for (const value of [5, 3]) metrics.gauge("pulp_content_sources_domains_count", value);
  metrics.gauge("pulp_rhel_ai_repositories_count", 4);
  metrics.count("deckle_errors_total", { place: "api" });
  await telemetry?.[Symbol.asyncDispose]();

  const found = receiver.points.map((point) => [
    ...[point.name, point.unit, point.service, point.kind, point.value],
    point.attributes,
  ]);
  const names = (target: object) => ({ "http.method": "GET", ...target, "worker.name": "w" });
  assert.deepEqual(
    found.toSorted(([a], [b]) => String(a).localeCompare(String(b))),
    [
      ["api.active_connections", "1", "pulp-api", "sum", 1, { "worker.name": "w" }],
      [
        ...["api.request_duration", "ms", "pulp-api", "histogram", 219],
        names({ "http.status_code": "2xx", "http.target": "p/" }),
      ],
      ["artifacts.size.counter", "Bytes", "pulp-content", "sum", 12, served],
      ["content_sources.domains.count", "1", "content-sources_domains", "sum", 3, {}],
      [
        ...["content.request_duration", "ms", "pulp-content", "histogram", 3],
        names({ "http.status_code": "4xx", "http.route": "stream_content" }),
      ],
      ["rhel_ai.repositories.count", "1", "rhel-ai_repos", "sum", 4, {}],
      ["space_usage", "bytes", "pulp-worker", "gauge", 7, { domain_name: "d" }],
      ["tasks_longest_unblocked_time", "seconds", "pulp-worker", "gauge", 90_000.5, {}],
      ["tasks_unblocked_queue", "tasks", "pulp-worker", "gauge", 1, {}],
      ["waiting_tasks", "tasks", "pulp-worker", "gauge", -2, {}],
    ],
  );
  const named = (name: string) => receiver.points.find((point) => point.name === name);
  assert.deepEqual(named("api.request_duration")?.bounds, [100, 250]);
  assert.deepEqual(named("api.request_duration")?.buckets, [1, 1, 0]);
  assert.equal(named("content.request_duration")?.bounds.length, 15);
  assert.equal(named("artifacts.size.counter")?.isMonotonic, true);
  assert.equal(named("api.active_connections")?.isMonotonic, false);
  assert.ok(receiver.points.every(({ scope }) => scope === "pulp.metrics"));
  const paths = new Set(receiver.requests.map(({ path, type }) => `${path} ${type}`));
  assert.deepEqual([...paths], ["/v1/metrics application/x-protobuf"]);
});

test("measurements are sent at the interval of the variable", async (t) => {
  const receiver = await startOtlpReceiver(t);
  endpoint(t, receiver.url);
  const { telemetry } = await telemetryOf({ OTEL_METRIC_EXPORT_INTERVAL: "50" });
  t.after(() => telemetry?.[Symbol.asyncDispose]());

  telemetry?.gauge("pulp_waiting_tasks", 3);
  assert.equal((await receiver.newest(({ name }) => name === "waiting_tasks")).value, 3);
  telemetry?.gauge("pulp_waiting_tasks", 4);
  await receiver.newest(({ name, value }) => name === "waiting_tasks" && value === 4);
});

test("a collector that is away costs nothing but its measurements", async (t) => {
  endpoint(t, "http://127.0.0.1:9/");
  const { telemetry } = await telemetryOf({
    ...{ OTEL_METRIC_EXPORT_INTERVAL: "20", OTEL_METRIC_EXPORT_TIMEOUT: "20" },
    OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
  });
  telemetry?.gauge("pulp_waiting_tasks", 3);
  await new Promise((resolve) => setTimeout(resolve, 100));
  telemetry?.gauge("pulp_waiting_tasks", 4);
  await telemetry?.[Symbol.asyncDispose]();
});

test("the standard variables switch it off", async () => {
  assert.equal((await telemetryOf({ OTEL_METRICS_EXPORTER: "none" })).telemetry, undefined);
  assert.equal((await telemetryOf({ OTEL_SDK_DISABLED: "true" })).telemetry, undefined);
  const { told } = await telemetryOf({ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" });
  assert.match(told.join(""), /'grpc' is not spoken, http\/protobuf is used/);
});

test("without the setting no SDK is loaded", () => {
  const script = `
    const { registerHooks } = await import("node:module");
    const seen = [];
    registerHooks({ load: (url, context, next) => (seen.push(url), next(url, context)) });
    await import("#app/serve-role.ts");
    const { createMetrics } = await import("#platform/metrics/prometheus.ts");
    createMetrics().gauge("pulp_waiting_tasks", 1);
    const found = (pattern) => seen.filter((url) => pattern.test(url)).length;
    console.log(found(/prom-client/) > 0, found(/opentelemetry.(sdk|exporter)|@sentry|@redis/));`;
  const run = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    cwd: new URL("../../../", import.meta.url),
  });
  assert.equal(run.stdout.trim(), "true 0", run.stderr);
});

test("excluded addresses are searched for in the whole address", () => {
  const excluded = excludedUrls({
    OTEL_PYTHON_EXCLUDED_URLS: ".*livez, .*status",
    OTEL_PYTHON_DJANGO_EXCLUDED_URLS: "^https://internal",
  });
  assert.ok(excluded?.("http://x/api/pulp/api/v3/livez/"));
  assert.ok(excluded?.("http://x/api/pulp/api/v3/status/?a=1"));
  assert.ok(excluded?.("https://internal/x"));
  assert.ok(!excluded?.("http://x/api/pulp/api/v3/tasks/"));
  assert.equal(excludedUrls({}), undefined);
  assert.throws(() => excludedUrls({ OTEL_PYTHON_EXCLUDED_URLS: "(" }), /'\(' is no regular/);
});
