import type { Json, JsonObject } from "#base/json.ts";
import { prn } from "#base/prn.ts";
import { any, datetime, link, list, text } from "../kit/fields.ts";
import type { Field, Fields, Row } from "../kit/resource.ts";
import { href, type View } from "../kit/view.ts";
import { shownObject } from "./schemas.ts";
import { taskHref, wireTime } from "./wire.ts";

interface Created {
  readonly model: string;
  readonly object: string;
  /** Below the API root; null when the object is a version that is gone or incomplete. */
  readonly path: string | null;
}

const VERSION = "core.repositoryversion";

const createdOf = (row: Row): readonly Created[] => row.created_resources as readonly Created[];

const uris = (): Field => list({ type: "string", format: "uri" }, { readOnly: true });
const time = (): Field => datetime({ readOnly: true, mayBeNull: true });

const optionalTask =
  (name: string) =>
  (row: Row, view: View): Json =>
    row[name] ? taskHref(view, row[name]) : null;

/** Keys of a task in the order of the wire (core-rest §8.11). */
export const taskFields: Fields = {
  state: text({ readOnly: true }),
  name: text({ required: true }),
  logging_cid: text({ required: true, sql: "e.cid" }),
  created_by: link({
    nullable: true,
    sql: "e.user_id",
    // Unlike every other href of a user it names the domain of the request.
    read: ({ created_by }, view) => (created_by ? href(view, `users/${created_by}/`) : null),
  }),
  unblocked_at: time(),
  started_at: time(),
  finished_at: time(),
  error: shownObject(),
  worker: link({ nullable: true, sql: false, read: () => null }),
  parent_task: link({ mayBeNull: true, sql: "e.parent", read: optionalTask("parent_task") }),
  child_tasks: {
    ...uris(),
    sql: `(select coalesce(jsonb_agg(c.id order by c.created, c.id), '[]')
      from task c where c.parent = e.id)`,
    read: (row, view) => (row.child_tasks as readonly string[]).map((id) => taskHref(view, id)),
  },
  task_group: link({
    mayBeNull: true,
    read: ({ task_group }, view) => (task_group ? href(view, `task-groups/${task_group}/`) : null),
  }),
  progress_reports: {
    ...list({ ref: "ProgressReportResponse" }, { readOnly: true }),
    sql: `(select coalesce(jsonb_agg(jsonb_build_object('message', p.message, 'code', p.code,
      'state', p.state, 'total', p.total, 'done', p.done, 'suffix', p.suffix)
      order by p.position, p.code), '[]') from task_progress p where p.task = e.id)`,
  },
  created_resources: {
    ...uris(),
    sql: `(select coalesce(jsonb_agg(jsonb_build_object('model', c.model, 'object', c.object,
      'path', case when lower(c.model) <> '${VERSION}' then c.path
        when exists (select from repository_version v where v.id = c.object::uuid and v.complete)
        then c.path end) order by c.position), '[]') from created_resource c where c.task = e.id)`,
    read: (row, view) =>
      createdOf(row).map(({ path }) => (path === null ? "<unavailable>" : href(view, path))),
  },
  created_resource_prns: {
    ...list({ type: "string" }, { readOnly: true }),
    sql: false,
    read: (row) => createdOf(row).map(({ model, object }) => prn(model, object)),
  },
  reserved_resources_record: {
    ...list({ type: "string" }, { readOnly: true }),
    sql: "e.resources",
  },
  result: any({ readOnly: true, mayBeNull: true }),
  pulp_api_version: text({ readOnly: true, sql: "e.api_version" }),
};

/** Keys of the short form, inside groups and with `?minimal=true`. */
export const MINIMAL_KEYS = [
  ...["pulp_href", "prn", "pulp_created", "pulp_last_updated", "name", "state", "unblocked_at"],
  ...["started_at", "finished_at", "worker", "pulp_api_version"],
] as const;

/** A task of a group as the database puts it into JSON. */
interface MinimalTask {
  readonly id: string;
  readonly created: string;
  readonly updated: string;
  readonly name: string;
  readonly state: string;
  readonly unblocked_at: string | null;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly api_version: string;
}

/** SQL of one such task, of the alias `t`. */
export const MINIMAL_TASK = `jsonb_build_object('id', t.id, 'created', t.created,
  'updated', t.updated, 'name', t.name, 'state', t.state, 'unblocked_at', t.unblocked_at,
  'started_at', t.started_at, 'finished_at', t.finished_at, 'api_version', t.api_version)`;

export const minimalTask = (task: MinimalTask, view: View): JsonObject => ({
  pulp_href: taskHref(view, task.id),
  prn: prn("core.task", task.id),
  pulp_created: wireTime(task.created),
  pulp_last_updated: wireTime(task.updated),
  name: task.name,
  state: task.state,
  unblocked_at: wireTime(task.unblocked_at),
  started_at: wireTime(task.started_at),
  finished_at: wireTime(task.finished_at),
  worker: null,
  pulp_api_version: task.api_version,
});

export const minimalTasks = (tasks: unknown, view: View): Json =>
  (tasks as readonly MinimalTask[]).map((task) => minimalTask(task, view));
