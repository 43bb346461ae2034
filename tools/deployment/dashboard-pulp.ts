import { cloudPanel, type Dashboard, logPanel, metricPanel, type Query } from "./panels.ts";

const CONTAINERS = "pulp-api|pulp-content|pulp-worker|pulp-worker-auxiliary|pulp-clamav";
const API = "pulp_api_request_duration_milliseconds";
const CONTENT = "pulp_content_request_duration_milliseconds";

/** P99, P95 and P90 of a histogram. */
const percentiles = (histogram: string, matchers = ""): readonly Query[] =>
  [0.99, 0.95, 0.9].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, sum by (le) (rate(${histogram}_bucket${matchers}[5m])))`,
    legend: `P${quantile * 100}`,
  }));

const byStatus = (histogram: string): readonly Query[] => [
  {
    expr: `sum by (http_status_code) (rate(${histogram}_count[5m]))`,
    legend: "{{http_status_code}}",
  },
];

const single = (expr: string, legend?: string): readonly Query[] => [
  legend === undefined ? { expr } : { expr, legend },
];

/** Fields of a line of the content app (service §13). */
const CONTENT_LINE =
  'parse @message /"(?<method>[A-Z]+) (?<path>\\S+) HTTP\\/[0-9.]+" (?<status>\\d+) (?<bytes>\\S+) .*cache:"(?<cache>[^"]*)" artifact_size:"(?<size>[^"]*)"/';

/** The end of a task, in the log of the workers. */
const TASK_DONE =
  "parse @message /Task completed (?<task>\\S+) in domain: (?<domain>[^,]+), task_type: (?<type>[^,]+), immediate: (?<immediate>True|False), deferred: (?<deferred>True|False), execution_time: (?<micros>\\d+)/";
const TASK_BEGUN =
  "parse @message /Starting task id: (?<task>\\S+) in domain: (?<domain>[^,]+), task_type: (?<type>[^,]+), immediate: (?<immediate>True|False), deferred: (?<deferred>True|False), worker: (?<worker>\\S+)/";
const TASK_FAILED = "parse @message /Task\\[(?<type>[^\\]]+)\\] (?<task>\\S+) failed \\(/";

/** Fields of a line of the API. */
const API_LINE =
  'parse @message /"(?<method>[A-Z]+) (?<path>\\S+) HTTP\\/[0-9.]+" (?<status>\\d+) \\S+ "[^"]*" "[^"]*" (?<ms>\\d+) x_forwarded_for/';

const query = (...steps: readonly string[]): string => steps.join("\n| ");

const content = (...steps: readonly string[]): string =>
  query(
    "fields @timestamp, @message",
    "filter @message like /artifact_size/",
    CONTENT_LINE,
    ...steps,
  );

const uploads = (...steps: readonly string[]): string =>
  query(
    "fields @timestamp, @message",
    'filter @message like /"POST / and @message like /x_forwarded_for/',
    API_LINE,
    "filter path like /content\\/.*\\/(packages|upload)\\//",
    ...steps,
  );

const served = [
  metricPanel(
    { title: "Pods" },
    single(`sum by (container) (kube_pod_container_info{container=~"${CONTAINERS}"})`),
  ),
  metricPanel({ title: "Memory of the API", unit: "bytes" }, [
    { expr: 'max(container_memory_usage_bytes{pod=~".*api.*"})', legend: "most" },
    { expr: 'avg(container_memory_usage_bytes{pod=~".*api.*"})', legend: "average" },
  ]),
  cloudPanel(
    { title: "Free storage of the database", unit: "bytes", width: 8 },
    {
      namespace: "AWS/RDS",
      metrics: ["FreeStorageSpace"],
      dimensions: { DBInstanceIdentifier: "$database" },
      statistic: "Minimum",
    },
  ),
  cloudPanel(
    { title: "CPU of Valkey", unit: "percent", width: 8 },
    {
      namespace: "AWS/ElastiCache",
      metrics: ["EngineCPUUtilization"],
      dimensions: { CacheClusterId: "$valkey" },
      statistic: "Average",
    },
  ),
  cloudPanel(
    { title: "Memory of Valkey", unit: "percent", width: 8 },
    {
      namespace: "AWS/ElastiCache",
      metrics: ["DatabaseMemoryUsagePercentage"],
      dimensions: { CacheClusterId: "$valkey" },
      statistic: "Maximum",
    },
  ),
];

const latency = [
  metricPanel(
    { title: "Latency of the API, without uploads", unit: "ms" },
    percentiles(API, '{http_target!~".*upload.*"}'),
  ),
  metricPanel(
    { title: "Latency of uploads", unit: "ms" },
    percentiles(API, '{http_target=~".*upload.*"}'),
  ),
  metricPanel({ title: "Latency of the content app", unit: "ms" }, percentiles(CONTENT)),
  metricPanel({ title: "Requests under way" }, single("sum(pulp_api_active_connections)", "API")),
  logPanel(
    { title: "Response time of uploads", unit: "ms" },
    uploads("stats pct(ms, 50) as P50, pct(ms, 95) as P95, pct(ms, 99) as P99 by bin(5m)"),
  ),
  logPanel(
    { title: "Uploads of RPMs per hour" },
    uploads("filter path like /\\/rpm\\//", "stats count(*) as uploads by bin(1h)"),
  ),
  metricPanel({ title: "Requests to the API by status", unit: "reqps" }, byStatus(API)),
  metricPanel({ title: "Requests to the content app by status", unit: "reqps" }, byStatus(CONTENT)),
];

const bytes = [
  metricPanel(
    { title: "Served bytes of the five largest domains", unit: "Bps" },
    single("topk(5, sum by (domain_name) (rate(pulp_artifacts_size_counter_Bytes_total[5m])))"),
  ),
  metricPanel(
    { title: "Space of the five largest domains", unit: "bytes" },
    single("topk(5, avg by (domain_name) (pulp_space_usage_bytes))"),
  ),
  logPanel(
    { title: "Answers from the cache", unit: "percentunit" },
    content("stats sum(cache = 'HIT') / count(*) as ratio by bin(5m)"),
  ),
  logPanel(
    { title: "Requested bytes by domain", unit: "bytes" },
    content(
      "parse path /\\/api\\/pulp-content\\/(?<domain>[^\\/]+)\\//",
      "stats sum(size) as requested by domain",
      "sort requested desc",
      "limit 10",
    ),
  ),
  logPanel(
    { title: "Requests for XML and RPM" },
    content(
      "filter path like /\\.(xml|rpm)/",
      "parse path /\\.(?<kind>xml|rpm)/",
      "stats count(*) as requests by kind, bin(5m)",
    ),
  ),
  logPanel(
    { title: "Sizes of XML and RPM", unit: "bytes" },
    content(
      "filter path like /\\.(xml|rpm)/",
      "parse path /\\.(?<kind>xml|rpm)/",
      "stats sum(size) as requested by kind, bin(5m)",
    ),
  ),
];

const done = (...steps: readonly string[]): string =>
  query("fields @timestamp, @message", TASK_DONE, "filter ispresent(task)", ...steps);

const tasks = [
  metricPanel(
    { title: "Longest wait of a task that could run", unit: "s" },
    single("max(pulp_tasks_longest_unblocked_time_seconds)", "wait"),
  ),
  metricPanel({ title: "Tasks that could run" }, [
    { expr: "max(pulp_tasks_unblocked_queue)", legend: "unblocked" },
    { expr: "max(pulp_waiting_tasks)", legend: "more than workers" },
  ]),
  logPanel({ title: "Completed tasks" }, done("stats count(*) as tasks by bin(5m)")),
  logPanel(
    { title: "Failed tasks" },
    query(
      ...["fields @timestamp, @message", TASK_FAILED, "filter ispresent(task)"],
      "stats count(*) as tasks by bin(5m)",
    ),
  ),
  logPanel(
    { title: "Tasks by type", kind: "table" },
    done(
      "stats count(*) as tasks, pct(micros / 1000, 95) as p95_ms by type",
      "sort tasks desc",
      "limit 20",
    ),
  ),
  logPanel(
    { title: "Immediate tasks and others" },
    done("stats count(*) as tasks by immediate, bin(5m)"),
  ),
  logPanel(
    { title: "Tasks by worker", kind: "table" },
    query(
      ...["fields @timestamp, @message", TASK_BEGUN, "filter ispresent(task)"],
      ...["stats count(*) as tasks by worker", "sort tasks desc", "limit 50"],
    ),
  ),
  logPanel(
    { title: "Connections that broke" },
    query(
      "fields @timestamp, @message",
      "filter @message like /A connection broke|Redis is not reached/",
      "stats count(*) as broken by bin(5m)",
    ),
  ),
];

const stakeholders = [
  metricPanel(
    { title: "Repositories of RHEL AI", kind: "stat" },
    single("max(pulp_rhel_ai_repositories_count)"),
  ),
  metricPanel(
    { title: "Domains of content sources", kind: "stat" },
    single("max(pulp_content_sources_domains_count)"),
  ),
];

/** How the service does. */
export const pulpMetrics: Dashboard = {
  ...{ uid: "pulp-metrics", title: "Pulp Metrics", from: "now-6h" },
  panels: [...served, ...latency, ...bytes, ...tasks, ...stakeholders],
  choices: [
    { name: "log_group", label: "Log group", values: ["pulp-prod"] },
    { name: "region", label: "Region", values: ["us-east-1"] },
    { name: "database", label: "Database", values: ["pulp-prod"] },
    { name: "valkey", label: "Valkey", values: ["pulp-prod-001"] },
  ],
};
