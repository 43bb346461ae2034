import { sql } from "kysely";
import { CodedError } from "#base/errors.ts";
import { type LockTopic, parsePrn, pdrn } from "#base/prn.ts";
import { SHARED_PREFIX } from "#core/tasks/rules.ts";
import { TASK_STATES } from "#core/tasks/table.ts";
import { type Address, parseAddress } from "../kit/address.ts";
import { modelKey, resourcePrn } from "../kit/api-index.ts";
import type { Run } from "../kit/call.ts";
import { type Condition, type Filter, FilterProblem, type Filters } from "../kit/filters/filter.ts";
import { choiceFilter, DATETIME, datetimeFilters, textFilters } from "../kit/filters/lookups.ts";
import { readRow } from "../kit/read.ts";

/** A bare list is the answer to what these filters refuse. */
const problem = (text: string): FilterProblem => new FilterProblem(text, { isBare: true });

/** Locks of old releases that stood for a topic; domains do not occur in them. */
const TOPICS: Readonly<Record<string, LockTopic>> = {
  "/api/v3/orphans/cleanup/": "orphans",
  "/api/v3/repair/": "repair",
  "/api/v3/distributions/": "distributions",
  "/api/v3/repositories/reclaim_space/": "reclaim_space",
  "/api/v3/servers/": "servers",
};

/** Id of the addressed object; versions are addressed by number and known by id. */
async function objectId(run: Run, address: Address): Promise<string> {
  const { resource, key, parent } = address;
  if (resource.key !== "number" || parent === undefined) return key;
  const { $prn } = await readRow(resource, run, { key, parent });
  return String($prn ?? key);
}

/** The name under which a resource is locked: hrefs become PRNs, everything else stays. */
async function lockName(value: string, run: Run): Promise<string> {
  const topic = Object.hasOwn(TOPICS, value) ? TOPICS[value] : undefined;
  if (topic) return pdrn(run.caller.domain.id, topic);
  if (!/^(\/|https?:)/.test(value)) return value;
  const address = parseAddress(value, run.view);
  if (!address) throw problem(`URI not valid: ${value}`);
  return resourcePrn(
    address.resource,
    await existing(value, address, () => objectId(run, address)),
  );
}

/** What is missing is the filter's problem and no 404. */
async function existing<Found>(
  value: string,
  { resource }: Address,
  look: () => Promise<Found>,
): Promise<Found> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof CodedError && error.status === 404) {
      throw problem(`URI ${value} not found for ${resource.prnModel ?? resource.model}.`);
    }
    throw error;
  }
}

type Mode = "any" | "exclusive" | "shared";

function holds(name: string, mode: Mode): Condition {
  const shared = SHARED_PREFIX + name;
  switch (mode) {
    case "exclusive":
      return sql`e.resources @> array[${name}::text]`;
    case "shared":
      return sql`e.resources @> array[${shared}::text]`;
    default:
      return sql`e.resources && array[${name}::text, ${shared}::text]`;
  }
}

/** By what a task locks; of several names it locks all. */
const lockFilter = (mode: Mode, isCsv: boolean): Filter => ({
  schema: isCsv ? { type: "array", items: { type: "string" } } : { type: "string" },
  isCsv,
  condition: async (value, run) => {
    const given = isCsv ? value.split(",") : [value];
    const names = await Promise.all(given.map((one) => lockName(one, run)));
    return sql`(${sql.join(
      names.map((name) => holds(name, mode)),
      sql` and `,
    )})`;
  },
});

const lockFilters = (name: string, mode: Mode): Filters => ({
  [name]: lockFilter(mode, false),
  [`${name}__in`]: lockFilter(mode, true),
});

interface TaskRelation {
  readonly model: "core.task" | "core.taskgroup";
  /** Condition for "there is none". */
  readonly none: Condition;
  readonly is: (id: string) => Condition;
}

/** Href or PRN of a task or group; `null` and empty ask for those without one. */
const relationFilter = (name: string, { model, none, is }: TaskRelation): Filter => ({
  schema: { type: "string", format: "uuid" },
  takesEmpty: true,
  condition: (value, { view }) => {
    if (value === "" || value === "null") return none;
    const prn = value.startsWith("prn:") ? parsePrn(value) : undefined;
    const address = parseAddress(value, view);
    if (!address) {
      if (prn?.model === model) throw problem(`UUID invalid: ${prn.id}`);
      throw problem(`URI couldn't be resolved: ${value}`);
    }
    if (modelKey(address.resource) !== model) {
      throw problem(`URI/PRN is not a valid href for ${name} model: ${value}`);
    }
    return is(address.key);
  },
});

/** Tasks that made an object, which must still be there. */
const createdFilter: Filter = {
  schema: { type: "string", format: "uuid" },
  condition: async (value, run) => {
    const address = parseAddress(value, run.view);
    if (!address) throw problem(`URI not valid: ${value}`);
    const { resource } = address;
    const id = await existing(value, address, async () => {
      if (resource.key === "number" && address.parent === undefined) return address.key;
      await readRow(resource, run, address);
      return objectId(run, address);
    });
    return sql`exists (select from created_resource c where c.task = e.id and c.object = ${id}
      and lower(c.model) = ${modelKey(resource)})`;
  },
};

export const taskFilters: Filters = {
  state: choiceFilter("e.state", [...TASK_STATES].sort()),
  ...textFilters("state", "e.state", ["in", "ne"]),
  ...textFilters("name", "e.name", ["exact", "contains", "in", "ne"]),
  ...textFilters("logging_cid", "e.cid", ["exact", "contains"]),
  ...datetimeFilters("pulp_created", "e.created", DATETIME),
  ...datetimeFilters("started_at", "e.started_at", DATETIME),
  ...datetimeFilters("finished_at", "e.finished_at", DATETIME),
  ...datetimeFilters("unblocked_at", "e.unblocked_at", DATETIME),
  parent_task: relationFilter("parent_task", {
    model: "core.task",
    none: sql`e.parent is null`,
    is: (id) => sql`e.parent = ${id}::uuid`,
  }),
  child_tasks: relationFilter("child_tasks", {
    model: "core.task",
    none: sql`not exists (select from task c where c.parent = e.id)`,
    is: (id) => sql`e.id = (select c.parent from task c where c.id = ${id}::uuid)`,
  }),
  task_group: relationFilter("task_group", {
    model: "core.taskgroup",
    none: sql`e.task_group is null`,
    is: (id) => sql`e.task_group = ${id}::uuid`,
  }),
  // No task names its worker, so none matches.
  worker: { schema: { type: "string" }, condition: () => sql`false` },
  created_resources: createdFilter,
  ...lockFilters("reserved_resources", "any"),
  ...lockFilters("exclusive_resources", "exclusive"),
  ...lockFilters("shared_resources", "shared"),
};
