import { sql } from "#sdk";
import { type AdminModel, mayAdminister } from "../../access/admin-rights.ts";
import type { Choice, FieldSpec } from "../fields.ts";
import type { Content } from "../html.ts";
import type { ListRow } from "../table.ts";
import type { Form, Outcome, Visit } from "../visits.ts";

type Condition = ReturnType<typeof sql<unknown>>;

export interface FilterSpec {
  readonly name: string;
  readonly label: string;
  readonly kind: "choice" | "date" | "text";
  /** Without the empty one, which asks for all. */
  readonly choices?: readonly Choice[];
}

/** What somebody wants to see of a list. */
export interface ListQuestion {
  /** Empty finds all. */
  readonly search: string;
  /** Of the filters, those that were given. */
  readonly filters: Readonly<Record<string, string>>;
  /** Cursor of the last row before; undefined begins. */
  readonly after: string | undefined;
  readonly limit: number;
}

/** An object that somebody may see. */
export interface Found {
  readonly key: string;
  /** How people call it. */
  readonly title: string;
  readonly mayChange: boolean;
  readonly mayDelete: boolean;
  /** As the API shows it. */
  readonly shown: Readonly<Record<string, unknown>>;
}

export interface Saved {
  readonly key: string;
  readonly title: string;
  readonly outcome?: Outcome;
}

/** A kind of object on the site. */
export interface Model {
  readonly name: AdminModel;
  /** `group`, `groups`, as headings have them in front: `Group`. */
  readonly title: string;
  readonly plural: string;
  /** What the index says about it. */
  readonly about: string;
  /** Model of PRNs: `core.group`. */
  readonly prnModel: string;
  readonly columns: readonly string[];
  /** What the search looks into; without it there is none. */
  readonly searches: string;
  readonly filters?: readonly FilterSpec[];
  /** One statement, for what the one who asks may see. */
  list(visit: Visit, question: ListQuestion): Promise<readonly ListRow[]>;
  /** Undefined for what is not there, and for what is not his to see. */
  find(visit: Visit, key: string): Promise<Found | undefined>;
  /** Fields of the form of an object, or of that for a new one. */
  form(visit: Visit, found?: Found): Promise<readonly FieldSpec[]> | readonly FieldSpec[];
  /** @throws `ValidationError` under the names of fields. */
  save(visit: Visit, form: Form, found?: Found): Promise<Saved>;
  /** @throws `ValidationError`, or a refusal. */
  remove(visit: Visit, found: Found): Promise<Outcome>;
  /** What else can be done to an object. */
  more?(visit: Visit, found: Found): Promise<Content> | Content;
}

/** What somebody may do to an object of his, or to one that he sees as an administrator. */
export function rightsOn(name: AdminModel, { user }: Visit) {
  const asked = { isSuperuser: user.isSuperuser, isOwner: true };
  return {
    mayChange: mayAdminister(name, "change", asked),
    mayDelete: mayAdminister(name, "delete", asked),
  };
}

/** Everything for superusers, else only what the condition finds. */
export const ownRows = ({ user }: Visit, own: Condition): Condition =>
  user.isSuperuser ? sql`true` : own;

/** Ids of the groups of the one who asks. */
export const groupsOf = ({ call }: Visit): readonly number[] =>
  call.rights.subjects.filter((id) => id < 0).map((id) => -id);

/** Of a row of domain orgs: it names the one who asks, or a group of his; each by its index. */
export const namesVisitor = (visit: Visit, alias: "e" | "o"): Condition =>
  sql`(${sql.ref(`${alias}.app_user`)} = ${visit.user.id}
    or ${sql.ref(`${alias}.app_group`)} = any(${groupsOf(visit)}::int[]))`;

/** Numbers of the domains that the one who asks has by such rows. */
export const ownDomains = (visit: Visit): Condition =>
  sql`(select l.domain from service_domain_org o
    join service_domain_org_domain l on l.domain_org = o.id where ${namesVisitor(visit, "o")})`;

/** Whether any of the columns holds the text, whatever the case; each by the index of its words. */
export function holds(search: string, columns: readonly string[]): Condition {
  if (search === "") return sql`true`;
  const pattern = `%${search.replace(/[\\%_]/g, "\\$&")}%`;
  const found = columns.map((one) => sql`${sql.raw(one)} ilike ${pattern}`);
  return sql`(${sql.join(found, sql` or `)})`;
}

/** A number from an address; undefined for what is none. */
export const numberKey = (key: string): number | undefined =>
  /^\d{1,9}$/.test(key) ? Number(key) : undefined;
