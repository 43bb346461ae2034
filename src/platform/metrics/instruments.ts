/** How an instrument is called in telemetry (core-tasks-ops §19.1); units and names never change. */
export interface TelemetryName {
  readonly name: string;
  readonly unit: string;
  /** `service.name` of the resource. */
  readonly service: string;
  /** Names of the attributes, in the order of the labels. */
  readonly attributes?: readonly string[];
}

/** One instrument; its Prometheus name carries the unit. */
export interface Instrument {
  /** `level` goes up and down; `gauge` is set. */
  readonly kind: "counter" | "level" | "gauge" | "histogram";
  readonly help: string;
  readonly labels?: readonly string[];
  /** Upper bounds of a histogram. */
  readonly buckets?: readonly number[];
  readonly telemetry?: TelemetryName;
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
    telemetry: {
      name: "api.request_duration",
      unit: "ms",
      service: "pulp-api",
      attributes: ["http.method", "http.status_code", "http.target", "worker.name"],
    },
  },
  pulp_api_active_connections: {
    kind: "level",
    help: "Requests that are being answered.",
    labels: ["worker_name"],
    telemetry: {
      name: "api.active_connections",
      unit: "1",
      service: "pulp-api",
      attributes: ["worker.name"],
    },
  },
  pulp_content_request_duration_milliseconds: {
    kind: "histogram",
    help: "Time from the request to the end of its response, in milliseconds.",
    labels: ["http_method", "http_status_code", "http_route", "worker_name"],
    buckets: REQUEST_MS,
    telemetry: {
      name: "content.request_duration",
      unit: "ms",
      service: "pulp-content",
      attributes: ["http.method", "http.status_code", "http.route", "worker.name"],
    },
  },
  pulp_artifacts_size_counter_Bytes_total: {
    kind: "counter",
    help: "Bytes of artifacts that were served, by domain.",
    labels: ["domain_name", "worker_process"],
    telemetry: {
      name: "artifacts.size.counter",
      unit: "Bytes",
      service: "pulp-content",
      attributes: ["domain_name", "worker_process"],
    },
  },
  pulp_space_usage_bytes: {
    kind: "gauge",
    help: "Bytes of the artifacts of a domain.",
    labels: ["domain_name"],
    telemetry: {
      name: "space_usage",
      unit: "bytes",
      service: "pulp-worker",
      attributes: ["domain_name"],
    },
  },
  pulp_tasks_unblocked_queue: {
    kind: "gauge",
    help: "Waiting tasks that could run for at least 5 seconds.",
    telemetry: { name: "tasks_unblocked_queue", unit: "tasks", service: "pulp-worker" },
  },
  pulp_tasks_longest_unblocked_time_seconds: {
    kind: "gauge",
    help: "Age of the oldest task that could run.",
    telemetry: { name: "tasks_longest_unblocked_time", unit: "seconds", service: "pulp-worker" },
  },
  pulp_waiting_tasks: {
    kind: "gauge",
    help: "Unfinished tasks older than 5 seconds that could run at once, less the workers.",
    telemetry: { name: "waiting_tasks", unit: "tasks", service: "pulp-worker" },
  },
  pulp_content_sources_domains_count: {
    kind: "level",
    help: "Domains with the label contentsources.",
    telemetry: {
      name: "content_sources.domains.count",
      unit: "1",
      service: "content-sources_domains",
    },
  },
  pulp_rhel_ai_repositories_count: {
    kind: "level",
    help: "Repositories of the domain rhel-ai.",
    telemetry: { name: "rhel_ai.repositories.count", unit: "1", service: "rhel-ai_repos" },
  },
  pulp_service_repository_events_total: {
    kind: "counter",
    help: "Repositories that were created and deleted, by type.",
    labels: ["action", "type"],
    telemetry: {
      ...{ name: "service.repository.events", unit: "1", service: "pulp-api" },
      attributes: ["action", "type"],
    },
  },
  pulp_service_publication_events_total: {
    kind: "counter",
    help: "Publications that were completed, and distributions that serve something else.",
    labels: ["action"],
    telemetry: {
      ...{ name: "service.publication.events", unit: "1", service: "pulp-api" },
      attributes: ["action"],
    },
  },
  pulp_service_auth_events_total: {
    kind: "counter",
    help: "Sessions that began, and credentials that were refused, by class.",
    labels: ["class", "outcome"],
    telemetry: {
      ...{ name: "service.auth.events", unit: "1", service: "pulp-api" },
      attributes: ["class", "outcome"],
    },
  },
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
