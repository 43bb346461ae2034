import { isDeepStrictEqual } from "node:util";
import { type Job, sql } from "#sdk";

type Columns = Readonly<Record<string, unknown>>;

/**
 * Writes the columns of packages that differ from what they should be.
 *
 * @param rows by `content.id`; columns that are not named stay.
 * @returns how many packages changed.
 */
export async function correct(
  { ctx, caller }: Job,
  rows: ReadonlyMap<string, Columns>,
): Promise<number> {
  if (rows.size === 0) return 0;
  const { num } = caller.domain;
  const ids = [...rows.keys()];
  const { rows: stored } = await sql<Columns & { readonly id: string }>`
    select * from python_package
    where domain = ${num} and id = any(${ids}::uuid[])`.execute(ctx.db);
  const wrong = stored.filter((row) =>
    Object.entries(rows.get(row.id) ?? {}).some(
      ([name, value]) => !isDeepStrictEqual(row[name], value),
    ),
  );
  if (wrong.length === 0) return 0;
  const columns = [...new Set(wrong.flatMap(({ id }) => Object.keys(rows.get(id) ?? {})))];
  const right = wrong.map((row) => ({ ...row, ...rows.get(row.id) }));
  await sql`
    with wanted as materialized (
      select * from json_populate_recordset(null::python_package, ${recordText(right)}::json)),
    unit as (
      update content c set updated = clock_timestamp() from wanted w
      where c.domain = w.domain and c.id = w.id)
    update python_package p
    set ${sql.join(columns.map((name) => sql`${sql.ref(name)} = w.${sql.ref(name)}`))}
    from wanted w where p.domain = w.domain and p.id = w.id`.execute(ctx.db);
  return wrong.length;
}

/** JSON text in which bytes are written the way PostgreSQL reads them. */
const recordText = (rows: readonly Columns[]): string =>
  JSON.stringify(
    rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [
          name,
          Buffer.isBuffer(value) ? `\\x${value.toString("hex")}` : value,
        ]),
      ),
    ),
  );
