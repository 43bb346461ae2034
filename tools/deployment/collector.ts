import { METRICS_PORT } from "./roles.ts";

interface CollectorOptions {
  readonly otlpPort: number;
  readonly limitMib: number;
  /** How long a series is shown after its last value. */
  readonly expiration: string;
}

/** What tells the series of the API's histogram apart. */
const KEPT = ["http.method", "http.status_code", "http.target", "worker.name"];
const DURATION = 'name == "api.request_duration"';

/**
 * A collector between the processes of a pod and Prometheus (service §20). Routes of the API are many:
 * what each process measured of them is added up, in one export, to uploads and others. The name of
 * the process stays, since counts of two processes under one name would replace each other.
 */
function collector({ otlpPort, limitMib, expiration }: CollectorOptions): object {
  return {
    receivers: { otlp: { protocols: { http: { endpoint: `0.0.0.0:${otlpPort}` } } } },
    processors: {
      memory_limiter: { check_interval: "2s", limit_mib: limitMib },
      "filter/api_aggregation": { metrics: { metric: [DURATION.replace("==", "!=")] } },
      "filter/main": { metrics: { metric: [DURATION] } },
      "transform/api_target": {
        metric_statements: [
          {
            context: "datapoint",
            statements: [
              'set(attributes["http.target"], "other") where not IsMatch(attributes["http.target"], "upload")',
              'set(attributes["http.target"], "upload") where IsMatch(attributes["http.target"], "upload")',
            ],
          },
          {
            context: "metric",
            statements: [
              `aggregate_on_attributes("sum", [${KEPT.map((name) => `"${name}"`).join(", ")}])`,
            ],
          },
        ],
      },
      "batch/api_aggregation": { timeout: "14s", send_batch_size: 8192 },
      "batch/main": { timeout: "7s" },
    },
    exporters: {
      prometheus: {
        endpoint: `0.0.0.0:${METRICS_PORT}`,
        namespace: "pulp",
        metric_expiration: expiration,
      },
    },
    extensions: { health_check: { endpoint: "0.0.0.0:13133" } },
    service: {
      extensions: ["health_check"],
      pipelines: {
        "metrics/aggregation": {
          receivers: ["otlp"],
          processors: [
            "memory_limiter",
            "filter/api_aggregation",
            "transform/api_target",
            "batch/api_aggregation",
          ],
          exporters: ["prometheus"],
        },
        "metrics/main": {
          receivers: ["otlp"],
          processors: ["memory_limiter", "filter/main", "batch/main"],
          exporters: ["prometheus"],
        },
      },
    },
  };
}

/** Beside each server and worker. */
export const sidecar = collector({ otlpPort: 10_000, limitMib: 200, expiration: "60m" });

/** Alone, for the task monitor. */
export const standalone = collector({ otlpPort: 4318, limitMib: 128, expiration: "15m" });
