import { createHash } from "node:crypto";
import type { Fields, Resource, Source } from "./resource.ts";

/** SQL of one resource, worked out once: what to select, and from where. */
export interface Plan {
  readonly from: string;
  /** Its first table, `e`, of which the list has one row each. */
  readonly table: string;
  /** What is joined to it, with what only the shown columns need. */
  readonly joins: string;
  readonly key: string;
  /** Tells rows of `e` apart: a column of it, since deep pages look rows up by it alone. */
  readonly unique: string;
  /** Null: no creation time, lists are ordered by the key. */
  readonly created: string | null;
  readonly domain: string | null;
  readonly where: string;
  readonly columns: string;
  /** Columns of one object, those of its detail view among them. */
  readonly detail: string;
  /** One object by key, domain and parent, in this order, as far as the resource has them. */
  readonly read: { readonly name: string; readonly text: string };
}

const plans = new WeakMap<Resource, Plan>();

export function planOf(resource: Resource): Plan {
  const known = plans.get(resource);
  if (known) return known;
  const plan = makePlan(resource);
  plans.set(resource, plan);
  return plan;
}

function makePlan(resource: Resource): Plan {
  const { source } = resource;
  const key = source.key ?? "e.id";
  const created = source.created === undefined ? "e.created" : source.created;
  const domain = source.domain === undefined ? "e.domain" : source.domain;
  const where = source.where ?? "true";
  const columns = selectList(resource, resource.fields, key);
  const detail = selectList(resource, { ...resource.fields, ...resource.detail }, key);
  const { from, shown = "" } = source;
  const [table] = /^\w+ e\b/.exec(from) ?? [];
  if (table === undefined)
    throw new Error(`${resource.path}: "${from}" does not begin with its e.`);
  const joins = `${from.slice(table.length)} ${shown}`;
  const text = `select ${detail} from ${table} ${joins} where ${where} and ${readConditions(source, key, domain)}`;
  const name = `read ${createHash("sha256").update(text).digest("hex").slice(0, 24)}`;
  const unique = source.unique ?? key;
  if (!unique.startsWith("e."))
    throw new Error(`${resource.path}: "${unique}" is not a column of its e.`);
  return {
    from,
    table,
    joins,
    key,
    unique,
    created,
    domain,
    where,
    columns,
    detail,
    read: { name, text },
  };
}

function readConditions({ parent }: Source, key: string, domain: string | null): string {
  const columns = [
    key,
    ...(domain === null ? [] : [domain]),
    ...(parent === undefined ? [] : [parent]),
  ];
  return columns.map((column, index) => `${column} = $${index + 1}`).join(" and ");
}

function selectList(resource: Resource, fields: Fields, key: string): string {
  const common = resource.common ?? ["pulp_created", "pulp_last_updated"];
  const columns = new Map<string, string>([["$key", key]]);
  if (common.includes("pulp_created")) columns.set("pulp_created", "e.created");
  if (common.includes("pulp_last_updated")) columns.set("pulp_last_updated", "e.updated");
  for (const [alias, expression] of Object.entries(resource.addressColumns ?? {})) {
    columns.set(alias, expression);
  }
  for (const [name, field] of Object.entries(fields)) {
    if (field.sql !== false && !field.writeOnly) columns.set(name, field.sql ?? `e.${name}`);
    for (const [alias, expression] of Object.entries(field.columns ?? {}))
      columns.set(alias, expression);
  }
  return [...columns].map(([alias, expression]) => `${expression} as "${alias}"`).join(", ");
}
