import { sql } from "kysely";
import { AUDIT_OUTCOMES } from "#core/audit/types.ts";
import { parseAddress } from "../kit/address.ts";
import { modelKey, resourcePrn } from "../kit/api-index.ts";
import { choice, datetime, integer, link, text } from "../kit/fields.ts";
import { type Filter, FilterProblem, type Filters } from "../kit/filters/filter.ts";
import {
  choiceFilter,
  DATETIME,
  datetimeFilters,
  integerFilters,
  NUMBER,
  textFilters,
} from "../kit/filters/lookups.ts";
import { jsonLines } from "../kit/json-lines.ts";
import { type Action, defineResource, type Fields, type Resource } from "../kit/resource.ts";
import { globalHref, href, type View } from "../kit/view.ts";
import { taskHref } from "./wire.ts";

const optional = { readOnly: true, nullable: true } as const;

/** What a task made below the list that the request `e` was about; with the task gone, what is kept. */
const MADE_BY_TASK = `
  select c.position, 'prn:' || lower(c.model) || ':' || c.object as prn, c.path
    from created_resource c
    where c.task = e.task and e.object_prn is null and starts_with(c.path, e.object_path)
  union all
  select o.position, o.prn, o.path from audit_task_object o
    where o.task = e.task and e.object_prn is null and starts_with(o.path, e.object_path)`;

/** The same by its PRN: entries of the tasks that may have made it. */
const madeByTask = (prn: string) => {
  const [id = ""] = prn.split(":").slice(2);
  return sql`(e.object_prn is null
    and e.task = any(array(select c.task from created_resource c where c.object = ${id}
      union all select o.task from audit_task_object o where o.prn = ${prn}))
    and exists (select from (${sql.raw(MADE_BY_TASK)}) m where m.prn = ${prn}))`;
};

const isAbout = (prn: string) => sql`(e.object_prn = ${prn} or ${madeByTask(prn)})`;

/** A path of the API as it is addressed today; what is outside the API is rooted already. */
function objectHref(path: string, domain: unknown, view: View): string {
  if (path.startsWith("/")) return path;
  return typeof domain === "string" ? href(view, path, domain) : globalHref(view, path);
}

const fields: Fields = {
  timestamp: datetime({ readOnly: true, sql: "e.created" }),
  user: link({
    nullable: true,
    sql: "e.user_id",
    read: ({ user }, view) => (user === null ? null : globalHref(view, `users/${user}/`)),
  }),
  username: text(optional),
  authenticated_by: text(optional),
  operation: text({ readOnly: true }),
  method: text({ readOnly: true }),
  object: link({
    sql: "coalesce(m.path, e.object_path)",
    read: ({ object, domain }, view) => objectHref(String(object), domain, view),
  }),
  object_prn: text({ ...optional, sql: "coalesce(e.object_prn, m.prn)" }),
  domain: text(optional),
  logging_cid: text({ readOnly: true, sql: "e.cid" }),
  client: text({ readOnly: true }),
  outcome: choice(AUDIT_OUTCOMES, { readOnly: true }),
  status: integer({ readOnly: true }),
  task: link({
    nullable: true,
    read: ({ task }, view) => (task ? taskHref(view, task) : null),
  }),
  task_state: text({ ...optional, sql: "coalesce(t.state, z.state)" }),
  task_group: link({
    nullable: true,
    read: ({ task_group }, view) => (task_group ? href(view, `task-groups/${task_group}/`) : null),
  }),
};

/** By href or PRN; also finds what is gone, since nothing is looked up. */
const objectFilter: Filter = {
  schema: { type: "string" },
  description: "Filter results by href or PRN of the object",
  condition: (value, { view }) => {
    if (value.startsWith("prn:")) return isAbout(value);
    const address = parseAddress(value, view);
    if (!address) throw new FilterProblem(`URI not valid: ${value}`);
    const { resource, key, parent } = address;
    if (parent === undefined) return isAbout(resourcePrn(resource, key));
    return sql`e.object_path = ${`${resource.parent?.path}/${parent}/${resource.path}/${key}/`}`;
  },
};

/** Objects of one model by href or PRN, which need not be there any more. */
const keyFilter = (model: string, column: string, cast: "uuid" | "int"): Filter => ({
  schema: { type: "string" },
  condition: (value, { view }) => {
    const address = parseAddress(value, view);
    if (!address || modelKey(address.resource) !== model) {
      throw new FilterProblem(`URI not valid: ${value}`);
    }
    return sql`${sql.raw(column)} = ${address.key}::${sql.raw(cast)}`;
  },
});

const filters: Filters = {
  ...datetimeFilters("timestamp", "e.created", DATETIME),
  user: keyFilter("auth.user", "e.user_id", "int"),
  ...textFilters("username", "e.username", ["exact", "in"]),
  ...textFilters("operation", "e.operation", ["exact", "in", "contains", "startswith"]),
  ...textFilters("method", "e.method", ["exact", "in"]),
  object: objectFilter,
  ...textFilters("domain", "e.domain", ["exact", "in"]),
  ...textFilters("logging_cid", "e.cid", ["exact", "in"]),
  ...textFilters("client", "e.client", ["exact", "in"]),
  outcome: choiceFilter("e.outcome", AUDIT_OUTCOMES),
  outcome__in: choiceFilter("e.outcome", AUDIT_OUTCOMES, { isCsv: true }),
  ...integerFilters("status", "e.status", NUMBER),
  task: keyFilter("core.task", "e.task", "uuid"),
};

const exportAction: Action = {
  name: "export",
  method: "GET",
  on: "collection",
  isFiltered: true,
  answers: { 200: { type: "string" } },
  answerType: "application/x-ndjson",
  run: (call) => jsonLines(auditEntry, call),
};

/** Ours: what was done through the API, by whom. Nobody writes here, and administrators read. */
export const auditEntry: Resource = defineResource({
  path: "audit",
  label: "core",
  model: "AuditEntry",
  title: "audit record",
  key: "uuid",
  common: ["pulp_href", "prn"],
  source: {
    from: "audit_entry e",
    shown: `left join task t on t.id = e.task left join audit_task_end z on z.task = e.task
      left join lateral (select * from (${MADE_BY_TASK}) made order by position limit 1) m on true`,
    domain: null,
  },
  fields,
  filters,
  orderings: {
    client: "e.client",
    domain: "e.domain",
    method: "e.method",
    operation: "e.operation",
    outcome: "e.outcome",
    pulp_id: "e.id",
    status: "e.status",
    timestamp: "e.created",
    username: "e.username",
  },
  operations: { list: true, read: true },
  actions: [exportAction],
});
