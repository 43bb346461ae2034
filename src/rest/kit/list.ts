import { Readable } from "node:stream";
import { sql } from "kysely";
import { ValidationError } from "#base/errors.ts";
import { RecentValues } from "#base/recent-values.ts";
import type { Call } from "./call.ts";
import { conditionsOf, orderingOf } from "./conditions.ts";
import type { Condition } from "./filters/filter.ts";
import { runNamed } from "./named-query.ts";
import { planOf } from "./plan.ts";
import { type PresentOptions, presenter, selectionFor } from "./present.ts";
import type { Resource, Row } from "./resource.ts";
import { scopeCount, scopeOf } from "./visibility.ts";

/** Rows that are read and sent at once; a larger page goes out in slices. */
const SLICE = 1000;
const DEFAULT_LIMIT = 100;

interface Page {
  readonly limit: number;
  readonly offset: number;
}

interface ListQuery {
  readonly where: Condition;
  readonly order: Condition;
  /** The caller does not see everything, so what is stored about all does not count. */
  readonly isScoped: boolean;
  readonly hasFilters: boolean;
}

/** The answer to a list request: JSON text, or a stream of it for pages over 1 000 rows. */
export async function listAnswer(
  resource: Resource,
  call: Call,
  parent?: string,
): Promise<string | Readable> {
  const page = pageOf(call, resource);
  const list = await listQuery(resource, call, parent);
  const options = { view: call.view, selection: selectionFor(resource, call.query) };
  if (page.limit > SLICE) return Readable.from(slices({ resource, call, list, page, options }));
  const rows = await readRows({ resource, call, list, page });
  const count = await countRows({ resource, call, list, page, found: rows.length });
  const results = rows.map(presenter(resource, options));
  return JSON.stringify({ count, ...links(call, page, count), results });
}

async function listQuery(resource: Resource, call: Call, parent?: string): Promise<ListQuery> {
  const plan = planOf(resource);
  const wanted = await conditionsOf(resource, call, call.query);
  const conditions = [sql.raw(plan.where), ...wanted];
  if (plan.domain !== null)
    conditions.push(sql`${sql.raw(plan.domain)} = ${call.caller.domain.num}`);
  if (parent !== undefined && resource.source.parent) {
    conditions.push(sql`${sql.raw(resource.source.parent)} = ${parent}`);
  }
  const scope = await scopeOf(resource, call);
  if (scope) conditions.push(scope);
  return {
    where: sql.join(conditions, sql` and `),
    order: orderingOf(resource, call.query),
    isScoped: scope !== undefined,
    hasFilters: wanted.length > 0 || parent !== undefined,
  };
}

interface Read {
  readonly resource: Resource;
  readonly call: Call;
  readonly list: ListQuery;
  readonly page: Page;
}

/** Up to here it costs less to pass over rows than to look those of the page up by their keys. */
const SHALLOW = 1000;

/** The rows of the page first, then what is joined to just these (data-model §10). */
async function readRows({ resource, call, list, page }: Read): Promise<readonly Row[]> {
  const { from, table, joins, unique, columns, domain } = planOf(resource);
  const offset = page.offset === 0 ? sql.lit(0) : sql`${page.offset}`;
  const select = (what: string) => sql`select ${sql.raw(what)} from ${sql.raw(from)}
    where ${list.where} order by ${list.order} limit ${sql.lit(page.limit)} offset ${offset}`;
  const inDomain =
    domain === null ? sql`` : sql`where ${sql.raw(domain)} = ${call.caller.domain.num}`;
  const rows =
    page.offset <= SHALLOW
      ? select("e.*")
      : sql`with page as materialized (${select(`${unique} as k`)})
          select e.* from ${sql.raw(table)} join page on page.k = ${sql.raw(unique)} ${inDomain}`;
  const query = sql<Row>`select ${sql.raw(columns)} from (${rows}) e ${sql.raw(joins)} order by ${list.order}`;
  return refuseBadValues(runNamed(call.ctx, query));
}

/** A short page says by itself how many there are; else what is stored, or was counted just now. */
async function countRows(read: Read & { readonly found: number }): Promise<number> {
  const { resource, call, page, found, list } = read;
  if (found < page.limit && (found > 0 || page.offset === 0)) return page.offset + found;
  const known = list.isScoped ? undefined : await resource.count?.(call, call.query);
  return known ?? recentCounts.get(countKey(read), () => countNow(read), call.ctx.clock.now());
}

/** Counts are believed for a second: a client that pages does not make us count each time. */
const recentCounts = new RecentValues<number>(1000, 1000);

function countKey({ resource, call, list }: Read): string {
  const query = new URLSearchParams(call.query);
  for (const name of ["limit", "offset", "ordering", "fields", "exclude_fields"])
    query.delete(name);
  query.sort();
  const { user, claims = {} } = call.caller;
  const viewer = list.isScoped ? `${user?.id} ${JSON.stringify(claims)}` : "all";
  return `${call.ctx.process.id} ${viewer} ${call.caller.domain.num} ${resource.path} ${call.request.url.split("?")[0]} ${query}`;
}

async function countNow({ resource, call, list }: Read): Promise<number> {
  const { from } = planOf(resource);
  const counted = list.isScoped && !list.hasFilters ? scopeCount(resource, call) : undefined;
  const query = sql<{ n: number }>`${
    counted ?? sql`select count(*) as n from ${sql.raw(from)} where ${list.where}`
  }`;
  const [row] = await refuseBadValues(runNamed(call.ctx, query));
  return row?.n ?? 0;
}

/**
 * The database judges regular expressions and ranges; a bad value is the client's mistake.
 *
 * @throws `ValidationError`
 */
export async function refuseBadValues<Value>(query: Promise<Value>): Promise<Value> {
  try {
    return await query;
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === "2201B") throw new ValidationError({ errors: ["Invalid regular expression."] });
    if (code?.startsWith("22"))
      throw new ValidationError({ errors: ["A filter's value is out of range."] });
    throw error;
  }
}

async function* slices(
  read: Read & { readonly options: PresentOptions },
): AsyncGenerator<string, void, undefined> {
  const { resource, call, list, page, options } = read;
  const count = await countRows({ ...read, found: page.limit });
  const head = JSON.stringify({ count, ...links(call, page, count) });
  yield `${head.slice(0, -1)},"results":[`;
  const show = presenter(resource, options);
  const end = Math.min(page.offset + page.limit, count);
  for (let offset = page.offset; offset < end && !call.signal.aborted; offset += SLICE) {
    const limit = Math.min(SLICE, end - offset);
    const rows = await readRows({ resource, call, list, page: { limit, offset } });
    const text = rows.map((row) => JSON.stringify(show(row))).join(",");
    if (text) yield offset > page.offset ? `,${text}` : text;
  }
  yield "]}";
}

/** Odd values fall back silently (core-rest §3.1). */
function pageOf({ query, ctx }: Call, { mostListed = Number.MAX_SAFE_INTEGER }: Resource): Page {
  const size = Number(ctx.settings.REST_FRAMEWORK.PAGE_SIZE ?? DEFAULT_LIMIT);
  const limit = wholeNumber(query.get("limit"));
  return {
    limit: Math.min(limit !== undefined && limit > 0 ? limit : size, mostListed),
    offset: wholeNumber(query.get("offset")) ?? 0,
  };
}

function wholeNumber(text: string | null): number | undefined {
  if (text === null || !/^\s*\d+\s*$/.test(text)) return undefined;
  return Math.min(Number(text), 2 ** 53 - 1);
}

function links(call: Call, { limit, offset }: Page, count: number) {
  const hasNext = offset + limit < count;
  const hasPrevious = offset > 0;
  return {
    next: hasNext ? pageLink(call, limit, offset + limit) : null,
    previous: hasPrevious ? pageLink(call, limit, offset - limit) : null,
  };
}

/** Absolute, parameters sorted by name; no `offset` on the way to the first page. */
function pageLink({ query, view, request }: Call, limit: number, offset: number): string {
  const parameters = new URLSearchParams(query);
  parameters.set("limit", String(limit));
  if (offset > 0) parameters.set("offset", String(offset));
  else parameters.delete("offset");
  parameters.sort();
  return `${view.origin}${request.url.split("?")[0]}?${parameters}`;
}
