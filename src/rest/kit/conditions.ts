import { sql } from "kysely";
import { ValidationError } from "#base/errors.ts";
import { parseAddress } from "./address.ts";
import { modelKey } from "./api-index.ts";
import type { Run } from "./call.ts";
import { type Condition, type Filter, FilterProblem, type Filters } from "./filters/filter.ts";
import { uuidFilters } from "./filters/lookups.ts";
import { parseQ, type QNode, QProblem } from "./filters/q.ts";
import { planOf } from "./plan.ts";
import type { Resource } from "./resource.ts";

/** Tolerated on every list (core-rest §3.4). */
const ALWAYS = new Set([
  ...[
    "fields",
    "exclude_fields",
    "limit",
    "offset",
    "page_size",
    "minimal",
    "ordering",
    "format",
    "q",
  ],
]);

const allFilters = new WeakMap<Resource, Filters>();

/** The resource's own filters and those that every list with filters has. */
export function filtersOf(resource: Resource): Filters {
  const known = allFilters.get(resource);
  if (known) return known;
  const { key } = planOf(resource);
  const generic = resource.key === "number" ? {} : { pulp_id__in: idFilter(resource, key) };
  const filters = {
    ...resource.filters,
    ...generic,
    pulp_href__in: addressFilter(resource, false),
    prn__in: addressFilter(resource, true),
  };
  allFilters.set(resource, filters);
  return filters;
}

/** Users and groups have numbers, which no UUID matches. */
function idFilter(resource: Resource, key: string): Filter {
  const filter = uuidFilters("id", resource.key === "uuid" ? key : "null::uuid", ["in"] as never);
  return filter.id__in as Filter;
}

function addressFilter(resource: Resource, isPrn: boolean): Filter {
  return {
    schema: { type: "array", items: { type: "string" } },
    isCsv: true,
    condition: (value, run) => {
      const keys = value.split(",").map((text) => addressKey(text, isPrn, { resource, run }));
      return resource.key === "number" ? versionKeys(keys) : plainKeys(resource, keys);
    },
  };
}

interface Key {
  readonly key: string;
  readonly parent?: string;
}

function addressKey(
  text: string,
  isPrn: boolean,
  { resource, run }: { resource: Resource; run: Run },
): Key | undefined {
  if (isPrn && !text.startsWith("prn:")) {
    throw new FilterProblem(`Not a valid PRN: ${text}, must start with 'prn:'`);
  }
  const address = parseAddress(text, run.view);
  if (!address) {
    if (isPrn) return undefined;
    throw new FilterProblem(`URI not valid: ${text}`);
  }
  const isSame = modelKey(address.resource) === modelKey(resource) || resource.model === "Generic";
  const isKin = resource.family !== undefined && resource.family === address.resource.family;
  return isSame || isKin ? address : undefined;
}

function plainKeys(resource: Resource, keys: readonly (Key | undefined)[]): Condition {
  const { key } = planOf(resource);
  const values = keys.flatMap((found) => (found ? [found.key] : []));
  const cast = resource.key === "uuid" ? "uuid" : "int";
  return sql`${sql.raw(key)} = any(${values}::${sql.raw(cast)}[])`;
}

/** Versions by the id of a PRN, or by number below a repository. */
function versionKeys(keys: readonly (Key | undefined)[]): Condition {
  const conditions = keys.map((found) => {
    if (!found) return sql`false`;
    return found.parent === undefined
      ? sql`e.id = ${found.key}::uuid`
      : sql`(r.id = ${found.parent}::uuid and e.number = ${Number(found.key)})`;
  });
  return sql`(${sql.join(conditions, sql` or `)})`;
}

/**
 * Conditions of a query string, all of which must hold.
 *
 * @throws `ValidationError`: unknown names `{"errors": [...]}`, bad values under their name.
 */
export async function conditionsOf(
  resource: Resource,
  run: Run,
  query: URLSearchParams,
): Promise<Condition[]> {
  if (resource.filters === undefined) return [];
  const filters = filtersOf(resource);
  const conditions: Condition[] = [];
  for (const name of new Set(query.keys())) {
    if (ALWAYS.has(name)) continue;
    const filter = Object.hasOwn(filters, name) ? filters[name] : undefined;
    if (!filter) throw new ValidationError({ errors: [`Invalid Filter: '${name}'`] });
    const values = query.getAll(name).slice(filter.isRepeatable ? 0 : -1);
    const each = values.map((value) => oneCondition(name, filter, { value, run }));
    const any = (await Promise.all(each)).filter((condition) => condition !== undefined);
    if (any.length > 0) conditions.push(sql`(${sql.join(any, sql` or `)})`);
  }
  const q = query.get("q");
  if (q) conditions.push(await qCondition(filters, q, run));
  return conditions;
}

async function oneCondition(
  name: string,
  filter: Filter,
  { value, run }: { value: string; run: Run },
): Promise<Condition | undefined> {
  if (value === "" && !filter.takesEmpty) return undefined;
  try {
    return await filter.condition(value, run);
  } catch (error) {
    if (!(error instanceof FilterProblem)) throw error;
    throw new ValidationError(error.isBare ? [error.message] : { [name]: [error.message] });
  }
}

async function qCondition(filters: Filters, text: string, run: Run): Promise<Condition> {
  try {
    return await nodeCondition(filters, parseQ(text), run);
  } catch (error) {
    if (error instanceof QProblem) throw new ValidationError({ q: [error.message] });
    throw error;
  }
}

async function nodeCondition(filters: Filters, node: QNode, run: Run): Promise<Condition> {
  switch (node.kind) {
    case "not":
      return sql`not coalesce(${await nodeCondition(filters, node.operand, run)}, false)`;
    case "atom":
      return atomCondition(filters, node, run);
    default: {
      const operands = await Promise.all(node.operands.map((o) => nodeCondition(filters, o, run)));
      return sql`(${sql.join(operands, node.kind === "and" ? sql` and ` : sql` or `)})`;
    }
  }
}

async function atomCondition(
  filters: Filters,
  { name, value }: { readonly name: string; readonly value: string },
  run: Run,
): Promise<Condition> {
  if (name === "q") throw new QProblem("You cannot use 'q' in complex filtering.");
  if (name === "ordering")
    throw new QProblem("An ordering filter cannot be used in complex filtering.");
  const filter = Object.hasOwn(filters, name) ? filters[name] : undefined;
  if (!filter) throw new QProblem(`Filter '${name}' does not exist.`);
  try {
    return (await filter.condition(value, run)) ?? sql`true`;
  } catch (error) {
    if (!(error instanceof FilterProblem)) throw error;
    throw new QProblem(JSON.stringify({ [name]: [{ message: error.message, code: error.code }] }));
  }
}

/** `ordering` and the tie-breaker that is always appended (core-rest §3.3). */
export function orderingOf(resource: Resource, query: URLSearchParams): Condition {
  const plan = planOf(resource);
  const tail =
    plan.created === null ? `${plan.key} desc` : `${plan.created} desc, ${plan.key} desc`;
  const text = resource.filters === undefined ? null : query.getAll("ordering").at(-1);
  if (!text) return sql.raw(tail);
  const terms = text.split(",").map((word) => orderingTerm(resource, word));
  return sql.raw([...terms, tail].join(", "));
}

/** Every `ordering` value without sign → SQL. */
export function orderingsOf(resource: Resource): Readonly<Record<string, string>> {
  const { key } = planOf(resource);
  return { ...resource.orderings, pk: key };
}

function orderingTerm(resource: Resource, word: string): string {
  const orderings = orderingsOf(resource);
  const name = word.replace(/^-/, "");
  const expression = Object.hasOwn(orderings, name) ? orderings[name] : undefined;
  if (expression === undefined) {
    throw new ValidationError({
      ordering: [`Select a valid choice. ${word} is not one of the available choices.`],
    });
  }
  return `${expression} ${word.startsWith("-") ? "desc" : "asc"}`;
}
