import { Readable } from "node:stream";
import { sql } from "kysely";
import type { Call } from "./call.ts";
import { conditionsOf } from "./conditions.ts";
import type { Condition } from "./filters/filter.ts";
import { refuseBadValues } from "./list.ts";
import { runNamed } from "./named-query.ts";
import { planOf } from "./plan.ts";
import { presenter, selectionFor } from "./present.ts";
import type { Outcome, Resource, Row } from "./resource.ts";

const SLICE = 1000;

/**
 * Every row that the list's filters let through, oldest first, one JSON object per line. Reads slice
 * after slice behind the last row sent, so memory stays small and no connection waits for the
 * client; rows that are made meanwhile are not part of it. Ends when the client leaves.
 *
 * @throws `ValidationError` for bad filters, before anything is sent.
 */
export async function jsonLines(resource: Resource, call: Call): Promise<Outcome> {
  const { created, where } = planOf(resource);
  const filters = await conditionsOf(resource, call, call.query);
  const [start] = await call.ctx.hot.query<{ now: string }>(NOW, []);
  const isOld = sql`${sql.raw(String(created))} <= ${start?.now}::timestamptz`;
  const walk = { resource, call, where: sql.join([sql.raw(where), ...filters, isOld], sql` and `) };
  const first = await refuseBadValues(slice(walk));
  const body = Readable.from(lines(walk, first), { highWaterMark: 1 });
  return { kind: "stream", type: "application/x-ndjson", body };
}

const NOW = { name: "now", text: "select clock_timestamp() as now" };

interface Walk {
  readonly resource: Resource;
  readonly call: Call;
  readonly where: Condition;
}

async function* lines(walk: Walk, first: readonly Row[]): AsyncGenerator<string, void, undefined> {
  const { resource, call } = walk;
  const options = { view: call.view, selection: selectionFor(resource, call.query) };
  const show = presenter(resource, options);
  for (let rows = first; !call.signal.aborted; rows = await slice(walk, rows.at(-1))) {
    if (rows.length > 0) yield rows.map((row) => `${JSON.stringify(show(row))}\n`).join("");
    if (rows.length < SLICE) return;
  }
}

/** The rows behind `last` in the order of their making. */
function slice({ resource, call, where }: Walk, last?: Row): Promise<readonly Row[]> {
  const { from, joins, key, created, columns } = planOf(resource);
  const order = sql.raw(`${created}, ${key}`);
  const behind = last
    ? sql`and (${order}) > (${last.$created}::timestamptz, ${last.$key}::uuid)`
    : sql``;
  const rows = sql`select e.* from ${sql.raw(from)} where ${where} ${behind}
    order by ${order} limit ${sql.lit(SLICE)}`;
  return runNamed(
    call.ctx,
    sql<Row>`select ${sql.raw(columns)}, ${sql.raw(String(created))} as "$created"
      from (${rows}) e ${sql.raw(joins)} order by ${order}`,
  );
}
