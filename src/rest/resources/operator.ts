import type { Readable } from "node:stream";
import { satisfies } from "#core/tasks/version-order.ts";
import type { Call } from "../kit/call.ts";
import { listAnswer } from "../kit/list.ts";
import { keyOf } from "../kit/present.ts";
import {
  defineResource,
  type Field,
  type Fields,
  type Resource,
  type Row,
} from "../kit/resource.ts";
import { href, type View } from "../kit/view.ts";
import { task } from "./tasks.ts";

/** The view of the domain that a row lies in. */
const own = (row: Row, view: View): View => ({ ...view, domain: String(row.$domain) });

const inOwnDomain = (field: Field): Field => {
  const { read } = field;
  return read ? { ...field, read: (row, view) => read(row, own(row, view)) } : field;
};

/** The number of a task in the queue: the order of their creation, over all domains. */
const SEQUENCE = "e.seq";

const fields: Fields = Object.fromEntries(
  Object.entries(task.fields).map(([name, field]) => [name, inOwnDomain(field)]),
);

/** Tasks of every domain, each with the addresses of its own. */
const everyTask: Resource = defineResource({
  ...task,
  fields,
  source: { ...task.source, domain: null, created: SEQUENCE },
  address: (row, view) => href(own(row, view), `tasks/${keyOf(row)}/`),
  addressColumns: { $domain: "(select d.name from domain d where d.num = e.domain)" },
  orderings: { ...task.orderings, pulp_created: SEQUENCE },
  visibility: () => undefined,
  operations: { list: true },
  actions: [],
});

/**
 * The list of the tasks of all domains: filters, pages and keys are those of `tasks/`. Whoever asks has
 * been asked before who he is: everything shows.
 */
const allTasks = (call: Call): Promise<string | Readable> => listAnswer(everyTask, call);

/** For plugins that let people look after the whole service. */
export const operator = { allTasks, satisfies } as const;
