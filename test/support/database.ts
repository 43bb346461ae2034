import { createHash, randomUUID } from "node:crypto";
import { globSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { startEmbedded } from "#platform/db/embedded.ts";
import { listMigrations, type MigrationSource, migrate } from "#platform/db/migrate.ts";
import { openDatabase } from "#platform/db/open.ts";

const SOURCES = new URL("../../src/", import.meta.url);

/** Migrations of the core and of every plugin that ships with it. */
export const migrationSources: readonly MigrationSource[] = [
  { label: "core", folder: new URL("core/migrations/", SOURCES) },
  ...globSync("plugins/*/migrations", { cwd: fileURLToPath(SOURCES) })
    .sort()
    .map((folder) => ({
      label: basename(dirname(folder)),
      folder: new URL(`${folder}/`, SOURCES),
    })),
];

export interface TestDatabase {
  readonly url: string;
}

let server: Promise<string> | undefined;

/** Address of the server's `postgres` database; starts a throw-away one unless a run shares one. */
function serverUrl(): Promise<string> {
  const shared = process.env.DECKLE_TEST_PG;
  server ??= shared ? Promise.resolve(`${shared}/postgres`) : startThrowAway();
  return server;
}

async function startThrowAway(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "deckle-test-pg-"));
  const embedded = await startEmbedded({ folder, settings: { fsync: "off" } });
  process.once("beforeExit", async () => {
    await embedded.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return embedded.url("postgres");
}

/** The same address with another database. */
const withDatabase = (url: string, name: string): string =>
  url.replace(/\/postgres(\?|$)/, `/${name}$1`);

/** A migrated database of its own, dropped at the end of the test. */
export async function createDatabase(t: TestContext): Promise<TestDatabase> {
  const admin = await serverUrl();
  const template = await ensureTemplate(admin);
  const name = `t_${randomUUID().replaceAll("-", "")}`;
  await command(admin, `create database ${name} template ${template} strategy file_copy`);
  t.after(() => command(admin, `drop database if exists ${name} with (force)`));
  return { url: withDatabase(admin, name) };
}

/** A template by the checksums of all migrations, made once per server. */
async function ensureTemplate(admin: string): Promise<string> {
  const migrations = await listMigrations(migrationSources);
  const hash = createHash("sha256")
    .update(migrations.map((m) => m.checksum).join())
    .digest("hex");
  const name = `template_${hash.slice(0, 16)}`;
  const client = new pg.Client({ connectionString: admin });
  await client.connect();
  try {
    await client.query("select pg_advisory_lock(0, 1)");
    const { rows } = await client.query("select from pg_database where datname = $1", [name]);
    if (rows.length === 0) await buildTemplate(client, admin, name);
  } finally {
    await client.end();
  }
  return name;
}

/** Built under another name, so that a failing migration leaves no half template. */
async function buildTemplate(client: pg.Client, admin: string, name: string): Promise<void> {
  const draft = `${name}_draft`;
  await client.query(`drop database if exists ${draft} with (force)`);
  await client.query(`create database ${draft}`);
  {
    await using database = openDatabase<object>({
      url: withDatabase(admin, draft),
      poolSize: 1,
      applicationName: "test template",
    });
    await migrate(database.db as never, migrationSources);
  }
  await client.query(`alter database ${draft} rename to ${name}`);
}

async function command(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}
