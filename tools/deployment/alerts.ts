interface Alert {
  readonly name: string;
  readonly expr: string;
  /** How long it has to be so. */
  readonly after?: string;
  readonly severity: "critical" | "warning";
  readonly summary: string;
  readonly description: string;
}

const PODS = 'namespace=~".*pulp.*", pod=~"pulp-.*"';

const down = (deployment: string): string =>
  `(sum(kube_deployment_status_replicas_available{deployment=~"${deployment}"}) or vector(0)) < 1`;

const availability: readonly Alert[] = [
  {
    name: "PulpApiDown",
    expr: down("pulp-api"),
    ...{ after: "5m", severity: "critical", summary: "No pod of the API answers." },
    description: "Nobody can change anything, and indexes and the registry are away.",
  },
  {
    name: "PulpContentDown",
    expr: down("pulp-content"),
    ...{ after: "1m", severity: "critical", summary: "No pod of the content app answers." },
    description: "Nobody can download anything.",
  },
  {
    name: "PulpWorkerDown",
    expr: down("pulp-worker|pulp-worker-auxiliary"),
    ...{ after: "5m", severity: "critical", summary: "No worker runs." },
    description: "Tasks are taken, and none is done.",
  },
  {
    name: "PulpOOMKilled",
    expr: `(kube_pod_container_status_last_terminated_reason{reason="OOMKilled", ${PODS}} == 1) and on (namespace, pod, container) (increase(kube_pod_container_status_restarts_total{${PODS}}[10m]) > 0)`,
    severity: "warning",
    summary: "{{ $labels.container }} of {{ $labels.pod }} had too little memory.",
    description: "The kernel ended it; its limit is too small, or it holds too much.",
  },
  {
    name: "PulpCrashing",
    expr: `increase(kube_pod_container_status_restarts_total{${PODS}}[5m]) > 0`,
    severity: "warning",
    summary: "{{ $labels.container }} of {{ $labels.pod }} was started again.",
    description: "It ended by itself or did not answer its probe; its previous log says why.",
  },
  {
    name: "PulpDatabaseStorageLow",
    expr: 'min by (dbinstance_identifier) (aws_rds_free_storage_space_average{dbinstance_identifier=~"pulp.*"}) < 20 * 1024 ^ 3',
    ...{ after: "15m", severity: "warning", summary: "The database has less than 20 GiB left." },
    description: "Without storage it takes no writes: enlarge it, or clean up.",
  },
  {
    name: "PulpTasksWait",
    expr: "max(pulp_tasks_longest_unblocked_time_seconds) > 1800",
    ...{ after: "5m", severity: "warning", summary: "A task waits for a worker for 30 minutes." },
    description: "There are too few workers, or they hang.",
  },
];

/** What share of requests has to be good, and which they are (service §20). */
interface Objective {
  readonly name: string;
  readonly share: number;
  /** Ratio of good requests within a time. */
  good(range: string): string;
  readonly summary: string;
}

const API = "pulp_api_request_duration_milliseconds";
const CONTENT = "pulp_content_request_duration_milliseconds";

const rate = (series: string, matchers: string, range: string): string =>
  `sum(rate(${series}{${matchers}}[${range}]))`;

const success =
  (histogram: string) =>
  (range: string): string =>
    `1 - (${rate(`${histogram}_count`, 'http_status_code="5xx"', range)} or vector(0)) / ${rate(`${histogram}_count`, "", range)}`;

const within =
  (histogram: string, bound: number, matchers: string) =>
  (range: string): string => {
    // Expositions and collectors differ in whether they write a fraction.
    const le = `le=~"${bound}(\\\\.0)?"`;
    const fast = rate(`${histogram}_bucket`, [matchers, le].filter(Boolean).join(", "), range);
    return `${fast} / ${rate(`${histogram}_count`, matchers, range)}`;
  };

const UPLOAD = 'http_target=~".*upload.*"';
const OTHER = 'http_target!~".*upload.*"';
const WRITES = 'http_method=~"POST|PUT|PATCH|DELETE"';

export const objectives: readonly Objective[] = [
  {
    ...{ name: "api_success", share: 0.99, good: success(API) },
    summary: "the API answers without an error of ours",
  },
  {
    ...{ name: "api_read_latency", share: 0.95 },
    good: within(API, 750, `http_method="GET", ${OTHER}`),
    summary: "the API answers reads within 750 ms",
  },
  {
    ...{ name: "api_write_latency", share: 0.95 },
    good: within(API, 1000, `${WRITES}, ${OTHER}`),
    summary: "the API answers writes within 1000 ms",
  },
  {
    ...{ name: "api_upload_latency", share: 0.95, good: within(API, 3000, UPLOAD) },
    summary: "the API answers uploads within 3000 ms",
  },
  {
    ...{ name: "content_success", share: 0.95, good: success(CONTENT) },
    summary: "the content app answers without an error of ours",
  },
  {
    ...{ name: "content_latency", share: 0.9, good: within(CONTENT, 500, "") },
    summary: "the content app answers within 500 ms",
  },
];

/** Over which an objective holds. */
const PERIOD = "28d";
/**
 * A budget that burns so many times too fast within both times is told: the short one ends the alert
 * soon after the trouble.
 */
const BURNS = [
  { long: "1h", short: "5m", factor: 14.4, severity: "critical" },
  { long: "6h", short: "30m", factor: 6, severity: "warning" },
] as const;

const recordOf = (name: string, range: string): string => `pulp:slo_${name}:ratio${range}`;

const RANGES = [...BURNS.flatMap(({ long, short }) => [short, long]), PERIOD];

const records = objectives.flatMap(({ name, good }) =>
  RANGES.map((range) => ({ record: recordOf(name, range), expr: good(range) })),
);

const camel = (name: string): string =>
  name
    .split("_")
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join("");

const burnAlerts: readonly Alert[] = objectives.flatMap(({ name, share, summary }) =>
  BURNS.map(({ long, short, factor, severity }): Alert => {
    // Factors are at most what the share allows: a budget of 10 % burns at most ten times too fast.
    const allowed = Math.round(Math.min(0.9, factor * (1 - share)) * 10_000) / 10_000;
    const bad = (range: string) => `(1 - ${recordOf(name, range)}) > ${allowed}`;
    return {
      name: `Pulp${camel(name)}Burns`,
      expr: `${bad(long)} and ${bad(short)}`,
      after: "2m",
      severity,
      summary: `Too seldom ${summary}.`,
      description: `Of ${share * 100} % within ${PERIOD}, the rest is used up ${factor} times too fast, or as fast as it can be.`,
    };
  }),
);

const ruleOf = ({ name, expr, after, severity, summary, description }: Alert) => ({
  alert: name,
  expr,
  ...(after === undefined ? {} : { for: after }),
  labels: { severity, service: "pulp" },
  annotations: { summary, description },
});

/** Rule groups as Prometheus reads them. */
export const groups = [
  { name: "pulp-availability", rules: availability.map(ruleOf) },
  { name: "pulp-objectives", interval: "1m", rules: records },
  { name: "pulp-budgets", rules: burnAlerts.map(ruleOf) },
];

export const prometheusRule = {
  ...{ apiVersion: "monitoring.coreos.com/v1", kind: "PrometheusRule" },
  metadata: { name: "pulp", labels: { app: "pulp", prometheus: "app-sre", role: "alert-rules" } },
  spec: { groups },
};
