import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { type Kysely, sql } from "kysely";

/** A folder of forward-only migrations and who owns it: `core` or a plugin's label. */
export interface MigrationSource {
  readonly label: string;
  readonly folder: URL;
}

export interface Migration {
  readonly label: string;
  /** File name without extension: `0003_repositories`. */
  readonly name: string;
  readonly checksum: string;
  readonly url: URL;
}

export interface MigrationState extends Migration {
  readonly isApplied: boolean;
}

/** Advisory lock `(0, 1)`: one migration run at a time (data-model §8). */
const LOCK = sql`select pg_advisory_xact_lock(0, 1)`;

/** Every migration of the sources in the order in which they run: owners as given, then names. */
export async function listMigrations(sources: readonly MigrationSource[]): Promise<Migration[]> {
  const lists = await Promise.all(sources.map(migrationsOf));
  return lists.flat();
}

async function migrationsOf({ label, folder }: MigrationSource): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => /^\d{4}_.*\.[jt]s$/.test(file)).sort();
  return Promise.all(
    files.map(async (file) => {
      const url = new URL(file, folder);
      const checksum = createHash("sha256")
        .update(await readFile(url))
        .digest("hex");
      return { label, name: file.replace(/\.[jt]s$/, ""), checksum, url };
    }),
  );
}

/** What is applied and what is not; an empty database has applied nothing. */
export async function migrationStates(
  db: Kysely<unknown>,
  sources: readonly MigrationSource[],
): Promise<MigrationState[]> {
  const all = await listMigrations(sources);
  const applied = await appliedNames(db);
  return all.map((migration) => ({ ...migration, isApplied: applied.has(key(migration)) }));
}

/**
 * Applies what is missing, each migration in a transaction of its own, under an advisory lock, so
 * that processes that start together wait for one another.
 *
 * @returns the migrations applied now.
 */
export async function migrate(
  db: Kysely<unknown>,
  sources: readonly MigrationSource[],
): Promise<Migration[]> {
  const done: Migration[] = [];
  await prepare(db);
  for (const migration of await listMigrations(sources)) {
    if (await applyOnce(db, migration)) done.push(migration);
  }
  return done;
}

const key = ({ label, name }: Pick<Migration, "label" | "name">): string => `${label} ${name}`;

async function prepare(db: Kysely<unknown>): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await LOCK.execute(trx);
    await sql`create table if not exists schema_migration (
      plugin text not null, name text not null, checksum text not null,
      applied_at timestamptz not null default clock_timestamp(), primary key (plugin, name))`.execute(
      trx,
    );
  });
}

function applyOnce(db: Kysely<unknown>, migration: Migration): Promise<boolean> {
  const { label, name, checksum, url } = migration;
  return db.transaction().execute(async (trx) => {
    await LOCK.execute(trx);
    const applied =
      await sql`select from schema_migration where plugin = ${label} and name = ${name}`.execute(
        trx,
      );
    if (applied.rows.length > 0) return false;
    const { up } = (await import(url.href)) as { up(db: Kysely<unknown>): Promise<void> };
    await up(trx);
    await sql`insert into schema_migration (plugin, name, checksum) values (${label}, ${name}, ${checksum})`.execute(
      trx,
    );
    return true;
  });
}

async function appliedNames(db: Kysely<unknown>): Promise<Set<string>> {
  const exists = await sql<{ found: boolean }>`
    select to_regclass('schema_migration') is not null as found`.execute(db);
  if (!exists.rows[0]?.found) return new Set();
  const { rows } = await sql<{ label: string; name: string }>`
    select plugin as label, name from schema_migration`.execute(db);
  return new Set(rows.map(key));
}
