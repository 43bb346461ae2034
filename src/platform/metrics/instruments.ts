/** One instrument; its Prometheus name carries the unit. */
export interface Instrument {
  readonly kind: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels?: readonly string[];
  /** Upper bounds of a histogram. */
  readonly buckets?: readonly number[];
}

const REQUEST_MS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];
const TASK_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400];

/**
 * Every instrument by name. Names that begin with `pulp_` are those that dashboards and autoscalers
 * of the peer read after their collector (core-tasks-ops §19.1): they never change.
 */
export const instruments = {
  pulp_api_request_duration_milliseconds: {
    kind: "histogram",
    help: "Time from the request to the end of its response, in milliseconds.",
    labels: ["http_method", "http_status_code", "http_target", "worker_name"],
    buckets: REQUEST_MS,
  },
  pulp_content_request_duration_milliseconds: {
    kind: "histogram",
    help: "Time from the request to the end of its response, in milliseconds.",
    labels: ["http_method", "http_status_code", "http_route", "worker_name"],
    buckets: REQUEST_MS,
  },
  pulp_artifacts_size_counter_Bytes_total: {
    kind: "counter",
    help: "Bytes of artifacts that were served, by domain.",
    labels: ["domain_name", "worker_process"],
  },
  pulp_tasks_unblocked_queue: {
    kind: "gauge",
    help: "Waiting tasks that could run for at least 5 seconds.",
  },
  pulp_tasks_longest_unblocked_time_seconds: {
    kind: "gauge",
    help: "Age of the oldest task that could run.",
  },
  pulp_waiting_tasks: { kind: "gauge", help: "Tasks that wait for a worker." },
  deckle_task_duration_seconds: {
    kind: "histogram",
    help: "Run time of finished tasks.",
    labels: ["name", "state"],
    buckets: TASK_SECONDS,
  },
  deckle_tasks_dispatched_total: { kind: "counter", help: "Tasks accepted.", labels: ["name"] },
  deckle_task_children: { kind: "gauge", help: "Task children that live.", labels: ["state"] },
  deckle_cache_requests_total: {
    kind: "counter",
    help: "Look-ups in an in-process cache.",
    labels: ["cache", "result"],
  },
  deckle_cache_bytes: { kind: "gauge", help: "Bytes that a cache holds.", labels: ["cache"] },
  deckle_database_connections: {
    kind: "gauge",
    help: "Connections of the pool.",
    labels: ["state"],
  },
  deckle_database_waiting: { kind: "gauge", help: "Callers that wait for a connection." },
  deckle_download_bytes_total: { kind: "counter", help: "Bytes received from upstreams." },
  deckle_downloads_total: {
    kind: "counter",
    help: "Requests to upstreams by outcome.",
    labels: ["outcome"],
  },
  deckle_errors_total: {
    kind: "counter",
    help: "Unexpected errors that were logged, by place.",
    labels: ["place"],
  },
  deckle_event_loop_delay_seconds: {
    kind: "gauge",
    help: "Delay of the event loop since the last reading.",
    labels: ["quantile"],
  },
  deckle_heartbeat_failures_total: { kind: "counter", help: "Heartbeats that failed." },
} as const satisfies Readonly<Record<string, Instrument>>;

export type InstrumentName = keyof typeof instruments;
