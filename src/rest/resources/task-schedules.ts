import { datetime, link, text } from "../kit/fields.ts";
import { textFilters } from "../kit/filters/lookups.ts";
import { defineResource } from "../kit/resource.ts";
import { href } from "../kit/view.ts";
import { roleActions } from "./role-actions.ts";

const DAY = 86_400;

const two = (value: number): string => String(value).padStart(2, "0");

/** `[D ]HH:MM:SS[.ffffff]`, as durations are on the wire (core-rest §1.6). */
export function durationText(seconds: number): string {
  const whole = Math.floor(seconds);
  const days = Math.floor(whole / DAY);
  const rest = whole - days * DAY;
  const time = [rest / 3600, (rest % 3600) / 60, rest % 60].map((part) => two(Math.floor(part)));
  const micros = Math.round((seconds - whole) * 1e6);
  const fraction = micros > 0 ? `.${String(micros).padStart(6, "0")}` : "";
  return `${days > 0 ? `${days} ` : ""}${time.join(":")}${fraction}`;
}

export const taskSchedule = defineResource({
  path: "task-schedules",
  label: "core",
  model: "TaskSchedule",
  title: "task schedule",
  key: "uuid",
  source: { from: "task_schedule e" },
  fields: {
    name: text({ required: true }),
    task_name: text({ required: true }),
    dispatch_interval: text({
      required: true,
      nullable: true,
      sql: "extract(epoch from e.dispatch_interval)::float8",
      read: ({ dispatch_interval: seconds }) =>
        typeof seconds === "number" ? durationText(seconds) : null,
    }),
    next_dispatch: datetime({ readOnly: true, nullable: true }),
    last_task: link({
      mayBeNull: true,
      read: ({ last_task }, view) => (last_task ? href(view, `tasks/${last_task}/`) : null),
    }),
  },
  filters: {
    ...textFilters("name", "e.name", ["exact", "contains"]),
    ...textFilters("task_name", "e.task_name", ["exact", "contains"]),
  },
  orderings: {
    dispatch_interval: "e.dispatch_interval",
    name: "e.name",
    next_dispatch: "e.next_dispatch",
    pulp_created: "e.created",
    pulp_id: "e.id",
    pulp_last_updated: "e.updated",
    task_name: "e.task_name",
  },
  operations: { list: true, read: true },
  actions: roleActions("core.taskschedule"),
});
