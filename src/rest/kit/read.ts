import { sql } from "kysely";
import { isUuid } from "#base/uuid7.ts";
import type { Call, Run } from "./call.ts";
import { runNamed } from "./named-query.ts";
import { planOf } from "./plan.ts";
import type { Resource, Row } from "./resource.ts";
import { restErrors } from "./rest-errors.ts";
import { scopeOf } from "./visibility.ts";

/** The key of an object in a path, and that of its parent. */
export interface KeyPath {
  readonly key: string;
  readonly parent?: string;
}

/**
 * The row of one object, with one prepared statement.
 *
 * @throws `restErrors.noMatch` if there is none in this domain, `restErrors.notFound` for a key that
 *   is none.
 */
export async function readRow(
  resource: Resource,
  run: Run,
  { key, parent }: KeyPath,
): Promise<Row> {
  checkKeys(resource, { key, ...(parent === undefined ? {} : { parent }) });
  const { read, domain } = planOf(resource);
  const values = [
    key,
    ...(domain === null ? [] : [run.caller.domain.num]),
    ...(resource.source.parent === undefined ? [] : [parent]),
  ];
  const [row] = await run.ctx.hot.query<Row>(read, values);
  if (!row) throw restErrors.noMatch(resource.prnModel ?? resource.model);
  return row;
}

/** As `readRow`, for a request: an object that the caller may not see is not there. */
export async function readVisibleRow(resource: Resource, call: Call, path: KeyPath): Promise<Row> {
  const scope = await scopeOf(resource, call);
  if (!scope) return readRow(resource, call, path);
  checkKeys(resource, path);
  const { joins, table, where, detail, key, domain } = planOf(resource);
  const { parent } = resource.source;
  const conditions = [
    sql`${sql.raw(key)} = ${path.key}`,
    ...(domain === null ? [] : [sql`${sql.raw(domain)} = ${call.caller.domain.num}`]),
    ...(parent === undefined ? [] : [sql`${sql.raw(parent)} = ${path.parent}`]),
    scope,
  ];
  const query = sql<Row>`select ${sql.raw(detail)} from ${sql.raw(`${table} ${joins}`)}
    where ${sql.raw(where)} and ${sql.join(conditions, sql` and `)}`;
  const [row] = await runNamed(call.ctx, query);
  if (!row) throw restErrors.noMatch(resource.prnModel ?? resource.model);
  return row;
}

/** @throws `restErrors.notFound` unless each key has the form of its kind. */
export function checkKeys(resource: Resource, { key, parent }: KeyPath): void {
  if (!isKey(resource, key)) throw restErrors.notFound();
  if (parent !== undefined && resource.parent && !isKey(resource.parent, parent)) {
    throw restErrors.notFound();
  }
}

const isKey = ({ key }: Resource, text: string): boolean =>
  key === "uuid" ? isUuid(text) : /^\d{1,9}$/.test(text);
