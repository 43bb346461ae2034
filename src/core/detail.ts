import { sql } from "kysely";
import type { Executor } from "./ctx.ts";

/** Columns of a table beside one of the core's, by name. */
type Columns = Readonly<Record<string, unknown>>;

/** Adds the row of a plugin's own table; keys are its columns. Objects are stored as JSON. */
export async function insertDetail(db: Executor, table: string, row: Columns): Promise<void> {
  const columns = Object.keys(row).map((name) => sql.ref(name));
  const values = Object.values(row).map(stored);
  await sql`insert into ${sql.table(table)} (${sql.join(columns)}) values (${sql.join(values)})`.execute(
    db,
  );
}

/** Changes columns of a plugin's own table; nothing to change is no statement. */
export async function updateDetail(
  db: Executor,
  table: string,
  { id, values }: { readonly id: string; readonly values: Columns },
): Promise<void> {
  const changes = Object.entries(values).map(
    ([name, value]) => sql`${sql.ref(name)} = ${stored(value)}`,
  );
  if (changes.length === 0) return;
  await sql`update ${sql.table(table)} set ${sql.join(changes)} where id = ${id}`.execute(db);
}

/** Adds or changes the row of a table that has one only where something is set. */
export async function putDetail(
  db: Executor,
  table: string,
  {
    id,
    domain,
    values,
  }: { readonly id: string; readonly domain: number; readonly values: Columns },
): Promise<void> {
  if (Object.keys(values).length === 0) return;
  const row = { id, domain, ...values };
  const columns = Object.keys(row).map((name) => sql.ref(name));
  const changes = Object.keys(values).map(
    (name) => sql`${sql.ref(name)} = excluded.${sql.ref(name)}`,
  );
  await sql`insert into ${sql.table(table)} (${sql.join(columns)})
    values (${sql.join(Object.values(row).map(stored))})
    on conflict (id) do update set ${sql.join(changes)}`.execute(db);
}

const stored = (value: unknown): unknown =>
  typeof value === "object" && value !== null && !Buffer.isBuffer(value)
    ? JSON.stringify(value)
    : value;
