import { Type } from "@sinclair/typebox";
import { defineSettings } from "#base/settings.ts";

const seconds = Type.Integer({ minimum: 1 });
const minutes = Type.Integer({ minimum: 0, maximum: 4_294_967_295 });

/** Tasks, workers and housekeeping (core-tasks-ops §16.7). */
export const taskSettings = defineSettings({
  WORKER_TYPE: {
    schema: Type.String(),
    default: "pulpcore",
    doc: "`redis` also shows in Redis who has which task and resource, under the names that operators' tools read; the queue in PostgreSQL decides in either case.",
    check: (value: string) =>
      value === "pulpcore" || value === "redis"
        ? undefined
        : `WORKER_TYPE must be either 'pulpcore' or 'redis', got '${value}'.`,
  },
  WORKER_TTL: {
    schema: seconds,
    default: 30,
    unit: "seconds",
    doc: "A worker without a heartbeat for this long is missing.",
  },
  API_APP_TTL: {
    schema: seconds,
    default: 120,
    unit: "seconds",
    doc: "The same for API processes.",
  },
  CONTENT_APP_TTL: {
    schema: seconds,
    default: 30,
    unit: "seconds",
    doc: "The same for content processes.",
  },
  WORKER_NAME_TEMPLATE: {
    schema: Type.String(),
    default: "{pid}@{hostname}",
    doc: "Name of a process; also knows `{fqdn}`.",
  },
  WORKER_PROBE_BIND: {
    schema: Type.String(),
    default: "",
    doc: "Where `pulpcore-worker` answers `GET /livez` and `GET /readyz`: `host:port`, `port` or `unix:/path`. Empty is nowhere.",
  },
  TASK_SLOTS: {
    schema: Type.Integer({ minimum: 0 }),
    default: 0,
    doc: "Tasks that one worker process runs at once; 0 is the number of cores, at least 2.",
  },
  TASK_GRACE_INTERVAL: {
    schema: Type.Integer({ minimum: 0 }),
    default: 600,
    unit: "seconds",
    doc: "After SIGINT, how long a worker waits for its running task before aborting it.",
  },
  TASK_KILL_INTERVAL: {
    schema: seconds,
    default: 10,
    unit: "seconds",
    doc: "A task that ignores its abort for this long is killed.",
  },
  TASK_MAX_RUNTIME: {
    schema: Type.Integer({ minimum: 0 }),
    default: 0,
    unit: "seconds",
    doc: "Longest run of a task; 0 is no limit.",
  },
  TASK_CHILD_MEMORY_MB: {
    schema: Type.Integer({ minimum: 64 }),
    default: 1024,
    unit: "MiB",
    doc: "Heap limit of a task child.",
  },
  TASK_CHILD_RECYCLE_MB: {
    schema: Type.Integer({ minimum: 32 }),
    default: 160,
    unit: "MiB",
    doc: "A task child above this resident size is replaced after its task.",
  },
  TASK_CHILD_MAX_TASKS: {
    schema: Type.Integer({ minimum: 1 }),
    default: 1000,
    doc: "A task child is replaced after this many tasks.",
  },
  TASK_DIAGNOSTICS: {
    schema: Type.Array(Type.String()),
    default: [],
    doc: "Diagnostics that users may ask for with the header `X-Task-Diagnostics`: `memory`, `pyinstrument` (or `cpu`), `memray` (or `heap`), `logs` and `debug-logs`.",
  },
  TASK_PREFER_DEFER: {
    schema: Type.Boolean(),
    default: false,
    doc: "Leaves every task to the workers, also those that could run at once.",
  },
  REDACT_UNSAFE_EXCEPTIONS: {
    schema: Type.Boolean(),
    default: false,
    doc: "Shows only texts of known errors in tasks; the rest goes to the log.",
  },
  ORPHAN_PROTECTION_TIME: {
    schema: minutes,
    default: 1440,
    unit: "minutes",
    doc: "Age at which an unused unit is removed, and how often that is looked for; 0 is never.",
  },
  UPLOAD_PROTECTION_TIME: {
    schema: minutes,
    default: 0,
    unit: "minutes",
    doc: "Age at which an unfinished upload is removed; 0 is never.",
  },
  TASK_PROTECTION_TIME: {
    schema: minutes,
    default: 0,
    unit: "minutes",
    doc: "Age at which finished tasks are removed; 0 is never.",
  },
  TMPFILE_PROTECTION_TIME: {
    schema: minutes,
    default: 0,
    unit: "minutes",
    doc: "Age at which shared temporary files are removed; 0 is never.",
  },
  IMPORT_WORKERS_PERCENT: {
    schema: Type.Integer({ minimum: 1, maximum: 100 }),
    default: 100,
    unit: "percent",
    doc: "Share of the online workers that the tasks of one import may occupy.",
  },
  VULN_REPORT_TASK_LIMITER: {
    schema: Type.Integer({ minimum: 1 }),
    default: 10,
    doc: "Simultaneous look-ups of one vulnerability report.",
  },
});
