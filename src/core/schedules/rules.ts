import type { JsonObject } from "#base/json.ts";
import type { Settings } from "#platform/config/settings.ts";

/** A schedule that every worker keeps as its settings say. */
export interface BuiltinSchedule {
  readonly name: string;
  readonly taskName: string;
  readonly input: JsonObject;
  /** Age limit and interval in one; 0 means that there is no such schedule. */
  readonly minutes: number;
}

/** The schedules of core-tasks-ops §13.2. */
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
];
