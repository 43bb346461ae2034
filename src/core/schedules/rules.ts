import type { JsonObject } from "#base/json.ts";
import type { Settings } from "#platform/config/settings.ts";

const DAY_MINUTES = 1440;

/** A schedule that every worker keeps as its settings say. */
export interface BuiltinSchedule {
  readonly name: string;
  readonly taskName: string;
  readonly input: JsonObject;
  /** Interval, may be a fraction; of the schedules of the specification also the age limit. 0: no such schedule. */
  readonly minutes: number;
}

/** The schedules of core-tasks-ops §13.2, and ours of the audit trail. */
export const builtinSchedules = (settings: Settings): readonly BuiltinSchedule[] => [
  {
    name: "Clean up stale uploads periodically",
    taskName: "pulpcore.app.tasks.orphan.upload_cleanup",
    input: {},
    minutes: settings.UPLOAD_PROTECTION_TIME,
  },
  {
    name: "Clean up stale shared temporary files periodically",
    taskName: "pulpcore.app.tasks.orphan.tmpfile_cleanup",
    input: {},
    minutes: settings.TMPFILE_PROTECTION_TIME,
  },
  {
    name: "Clean up stale tasks periodically",
    taskName: "pulpcore.app.tasks.purge.purge",
    input: { everywhere: true },
    minutes: settings.TASK_PROTECTION_TIME,
  },
  {
    name: "Clean up stale content periodically",
    taskName: "pulpcore.app.tasks.orphan.orphan_cleanup",
    input: { everywhere: true },
    minutes: settings.ORPHAN_PROTECTION_TIME,
  },
  {
    name: "Emit OpenTelemetry metrics periodically",
    taskName: "pulpcore.app.tasks.telemetry.otel_metrics",
    input: {},
    minutes:
      settings.DOMAIN_ENABLED && (settings.OTEL_ENABLED || settings.PROMETHEUS_PORT > 0)
        ? settings.OTEL_METRICS_DISPATCH_INTERVAL_MINUTES
        : 0,
  },
  {
    name: "Clean up the audit trail periodically",
    taskName: "deckle.core.audit.clean_up",
    input: {},
    minutes: settings.AUDIT_RETENTION_DAYS > 0 ? DAY_MINUTES : 0,
  },
];
