import { fieldError } from "#base/errors.ts";
import { sql } from "#sdk";
import type { Choice, FieldSpec } from "../fields.ts";
import { type Content, html } from "../html.ts";
import { objectPath } from "../paths.ts";
import { time, timeText } from "../table.ts";
import type { Form, Outcome, Visit } from "../visits.ts";
import {
  type FilterSpec,
  type Found,
  holds,
  type ListQuestion,
  type Model,
  ownRows,
  rightsOn,
} from "./model.ts";

const STATES = ["waiting", "running", "canceling", "completed", "failed", "canceled", "skipped"];
const CHOICES = STATES.map((state): Choice => [state, state]);
const UNFINISHED: ReadonlySet<string> = new Set(["waiting", "running", "canceling"]);

const filters: readonly FilterSpec[] = [
  { name: "state", label: "State", kind: "choice", choices: CHOICES },
  { name: "domain", label: "Domain", kind: "text" },
  { name: "created_from", label: "Created from", kind: "date" },
  { name: "created_to", label: "Created until", kind: "date" },
  { name: "started_from", label: "Started from", kind: "date" },
  { name: "started_to", label: "Started until", kind: "date" },
];

/** Tasks of all domains, for superusers: they are canceled, or removed when they have ended. */
export const tasks: Model = {
  name: "task",
  title: "Task",
  plural: "Tasks",
  about: "What was done and is to be done, newest first.",
  prnModel: "core.task",
  columns: ["Name", "State", "Domain", "Created (UTC)", "Started (UTC)", "Finished (UTC)"],
  searches: "name",
  filters,
  list,
  find,
  form: (_visit, found) => (found ? formOf(found) : []),
  save,
  remove,
};

interface TaskRow {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly domain: string;
  readonly created: string;
  readonly started: string | null;
  readonly finished: string | null;
}

const TIMES = `${timeText("e.created")} as created, ${timeText("e.started_at")} as started,
  ${timeText("e.finished_at")} as finished`;

const forSuperusers = (visit: Visit) => ownRows(visit, sql`false`);

/** In the order of the ids, which is that of the creation, so that no list is sorted. */
async function list(visit: Visit, { search, filters: asked, after, limit }: ListQuestion) {
  const { rows } = await sql<TaskRow>`
    select e.id, e.name, e.state, d.name as domain, ${sql.raw(TIMES)}
    from task e join domain d on d.num = e.domain
    where ${forSuperusers(visit)} and ${holds(search, ["e.name"])}
      and ${after !== undefined && UUID.test(after) ? sql`e.id < ${after}::uuid` : sql`true`}
      and ${asked.state === undefined ? sql`true` : sql`e.state = ${asked.state}`}
      and ${asked.domain === undefined ? sql`true` : sql`e.domain = (select num from domain where name = ${asked.domain})`}
      and ${between("e.created", asked.created_from, asked.created_to)}
      and ${between("e.started_at", asked.started_from, asked.started_to)}
    order by e.id desc limit ${limit}`.execute(visit.call.ctx.db);
  return rows.map(({ id, name, state, domain, created, started, finished }) => ({
    key: id,
    cursor: id,
    cells: [
      html`<a href="${objectPath("task", id, "change")}">${name}</a>`,
      ...[state, domain, time(created), time(started), time(finished)],
    ],
  }));
}

/** Whole days in UTC, both included. */
function between(column: string, from: string | undefined, to: string | undefined) {
  const least = from === undefined ? sql`true` : sql`${sql.ref(column)} >= ${`${from}T00:00:00Z`}`;
  if (to === undefined) return least;
  return sql`${least} and ${sql.ref(column)} < ${`${to}T00:00:00Z`}::timestamptz + interval '1 day'`;
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

interface TaskDetail extends TaskRow {
  readonly num: number;
  readonly domain_id: string;
  readonly cid: string;
  readonly username: string | null;
  readonly resources: readonly string[];
  readonly error: unknown;
  readonly progress: readonly {
    message: string;
    state: string;
    done: number;
    total: number | null;
  }[];
}

async function find(visit: Visit, key: string): Promise<Found | undefined> {
  if (!UUID.test(key)) return undefined;
  const { rows } = await sql<TaskDetail>`
    select e.id, e.name, e.state, e.cid, e.resources, e.error, d.num, d.id as domain_id,
      d.name as domain, u.username, ${sql.raw(TIMES)}, (
        select coalesce(jsonb_agg(jsonb_build_object('message', p.message, 'state', p.state,
          'done', p.done, 'total', p.total) order by p.position, p.code), '[]')
        from task_progress p where p.task = e.id) as progress
    from task e join domain d on d.num = e.domain left join app_user u on u.id = e.user_id
    where e.id = ${key}::uuid and ${forSuperusers(visit)}`.execute(visit.call.ctx.db);
  const [row] = rows;
  if (!row) return undefined;
  const rights = rightsOn("task", visit);
  const isUnfinished = UNFINISHED.has(row.state);
  return {
    ...{ key, title: row.name, shown: { ...row } },
    mayChange: rights.mayChange && isUnfinished,
    mayDelete: rights.mayDelete && !isUnfinished,
  };
}

const detailOf = ({ shown }: Found): TaskDetail => shown as unknown as TaskDetail;

function formOf(found: Found): readonly FieldSpec[] {
  const task = detailOf(found);
  const fixed = (name: string, label: string, value: Content) =>
    ({ kind: "fixed", name, label, value: value || "None" }) as const;
  const state: FieldSpec = found.mayChange
    ? {
        ...{ kind: "choice", name: "state", label: "State", value: task.state },
        choices: [...new Set([task.state, "canceled"])].map((one): Choice => [one, one]),
      }
    : fixed("state", "State", task.state);
  return [
    state,
    fixed("id", "Task", found.key),
    fixed("domain", "Domain", task.domain),
    fixed("user", "User", task.username),
    fixed("created", "Created (UTC)", time(task.created)),
    fixed("started", "Started (UTC)", time(task.started)),
    fixed("finished", "Finished (UTC)", time(task.finished)),
    fixed("cid", "Correlation id", task.cid),
    fixed(
      "resources",
      "Reserved resources",
      task.resources.join("\n") && pre(task.resources.join("\n")),
    ),
    fixed("progress", "Progress", progressOf(task)),
    fixed("error", "Error", task.error !== null && pre(JSON.stringify(task.error, null, 2))),
  ];
}

const pre = (text: string): Content => html`<pre tabindex="0">${text}</pre>`;

const progressOf = ({ progress }: TaskDetail): Content =>
  progress.length > 0 &&
  progress.map(
    ({ message, state, done, total }) =>
      html`<div>${message}: ${done}${total !== null && ` of ${total}`} (${state})</div>`,
  );

const deskOf = ({ desk }: Visit, found: Found) => {
  const { num, domain_id: id, domain: name } = detailOf(found);
  return desk.inDomain({ num, id, name });
};

/** A state is no more than a wish: only the end of a task can be asked for. */
async function save(visit: Visit, { state }: Form, found?: Found) {
  if (!found || (state !== "canceled" && state !== detailOf(found).state)) {
    throw fieldError("state", "The only acceptable value for 'state' is 'canceled'.");
  }
  const { key, title } = found;
  if (state !== "canceled") return { key, title };
  const change = { key, values: { state } };
  const outcome = await deskOf(visit, found).act("tasks", "cancel", change);
  if (outcome.kind === "json" && outcome.status === 409) {
    throw fieldError("state", "The task has ended meanwhile.");
  }
  return { key, title };
}

function remove(visit: Visit, found: Found): Promise<Outcome> {
  return deskOf(visit, found).remove("tasks", found.key);
}
