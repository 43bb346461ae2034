import { sql } from "kysely";
import { cancelGroup } from "#core/tasks/commands.ts";
import type { Call } from "../kit/call.ts";
import { boolean, integer, list, text } from "../kit/fields.ts";
import { keyOf, present } from "../kit/present.ts";
import { readRow } from "../kit/read.ts";
import { type Action, defineResource, type Fields, type Resource } from "../kit/resource.ts";
import { restErrors } from "../kit/rest-errors.ts";
import { MINIMAL_TASK, minimalTasks } from "./task-fields.ts";
import { cancelBody, checkCancel } from "./tasks.ts";

type Counts = Readonly<Record<string, number>>;

/** All counts of a group come from one look at its tasks. */
const STATES_COLUMN = {
  $states: `(select coalesce(jsonb_object_agg(s.state, s.n), '{}') from
    (select t.state, count(*) as n from task t where t.task_group = e.id group by t.state) s)`,
} as const;

const ORDER = ["waiting", "skipped", "running", "completed", "canceled", "failed", "canceling"];

const countFields: Fields = Object.fromEntries(
  ORDER.map((state) => [
    state,
    integer({
      readOnly: true,
      sql: false,
      columns: STATES_COLUMN,
      read: ({ $states }) => ($states as Counts)[state] ?? 0,
    }),
  ]),
);

/** Cancelling a group cancels each of its tasks, so each may say no. */
async function requireChange({ ctx, caller, rights }: Call, group: string): Promise<void> {
  const permission = "core.change_task";
  if (rights.onModel(permission) || rights.onDomain(permission)) return;
  const tasks = await ctx.db
    .selectFrom("task")
    .select("id")
    .where("task_group", "=", group)
    .execute();
  for (const { id } of tasks) {
    const object = { model: "core.task", id, domain: caller.domain.num };
    if (!(await rights.onObject([permission], object))) throw restErrors.permission();
  }
}

const cancelAction: Action = {
  name: "cancel",
  method: "PATCH",
  on: "object",
  path: "",
  permission: "partial_update",
  body: cancelBody,
  answers: { 200: "TaskGroupResponse", 409: "TaskGroupResponse" },
  operationId: "task_groups_cancel",
  async run(call, { state }, row) {
    checkCancel(state);
    const id = String(keyOf(row));
    await requireChange(call, id);
    await cancelGroup(call.ctx, id);
    const current = await readRow(taskGroup, call, { key: id });
    const { waiting = 0, running = 0 } = current.$states as Counts;
    const status = waiting + running > 0 ? 409 : 200;
    return { kind: "json", status, body: present(taskGroup, current, { view: call.view }) };
  },
};

export const taskGroup: Resource = defineResource({
  path: "task-groups",
  label: "core",
  model: "TaskGroup",
  title: "task group",
  key: "uuid",
  common: ["pulp_href", "prn"],
  source: { from: "task_group e" },
  fields: {
    description: text({ required: true }),
    all_tasks_dispatched: boolean({ required: true, deprecated: true }),
    ...countFields,
    group_progress_reports: {
      ...list({ ref: "GroupProgressReportResponse" }, { readOnly: true }),
      sql: `(select coalesce(jsonb_agg(jsonb_build_object('message', p.message, 'code', p.code,
        'total', p.total, 'done', p.done, 'suffix', p.suffix) order by p.code), '[]')
        from group_progress p where p.task_group = e.id)`,
    },
    tasks: {
      ...list({ ref: "MinimalTaskResponse" }, { readOnly: true }),
      sql: `(select coalesce(jsonb_agg(${MINIMAL_TASK} order by t.created desc, t.id desc), '[]')
        from task t where t.task_group = e.id)`,
      read: ({ tasks }, view) => minimalTasks(tasks, view),
    },
  },
  visibility: (sight) =>
    sight.isWhole("core.task")
      ? undefined
      : sql`exists (select from task t where t.task_group = e.id and t.parent is null
          and ${sight.one("t.id", "core.task")})`,
  operations: { list: true, read: true },
  actions: [cancelAction],
});
