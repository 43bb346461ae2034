import { type Kysely, sql } from "kysely";

/** What the planner is told of a column before anybody has looked. */
export interface ColumnFacts {
  readonly name: string;
  /** Distinct values; below 0 a share of the rows. */
  readonly distinct: number;
  readonly bytes: number;
}

/**
 * Until a table is analysed for the first time, the planner takes every index that begins with the same
 * column for equally good, and may look for one row among all of them. PostgreSQL 18 can be told
 * beforehand; what it finds out later counts, and older servers find out a minute later.
 */
export async function tellFirstStatistics(
  db: Kysely<unknown>,
  table: string,
  columns: readonly ColumnFacts[],
): Promise<void> {
  const { rows } = await sql<{ can: boolean }>`
    select current_setting('server_version_num')::int >= 180000
      and not exists (select from pg_stats where schemaname = current_schema()
        and tablename = ${table}) as can`.execute(db);
  if (!rows[0]?.can) return;
  for (const { name, distinct, bytes } of columns)
    await sql`
      select pg_restore_attribute_stats('schemaname', current_schema()::text, 'relname', ${table}::text,
        'attname', ${name}::text, 'inherited', false, 'null_frac', 0::real,
        'avg_width', ${bytes}::int, 'n_distinct', ${distinct}::real)`.execute(db);
}
