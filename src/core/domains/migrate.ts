import { pipeline } from "node:stream/promises";
import { sql } from "kysely";
import { mapBounded } from "#base/parallel.ts";
import type { Storage, StoreSettings } from "#platform/storage/storage.ts";
import { objectName } from "../artifacts/queries.ts";
import type { Ctx, DomainRef, Executor, Trx } from "../ctx.ts";
import type { Job, Progress } from "../plugin-contract.ts";
import { backendMissing, sealOptions } from "./rules.ts";

const BATCH = 500;
const PARALLEL = 4;
const MAX_PASSES = 20;
/** How long a row may take from its time stamp to its commit. */
const MARGIN_SECONDS = 3600;
const FIRST_ID = "00000000-0000-0000-0000-000000000000";

interface Migration {
  readonly job: Job;
  readonly domain: DomainRef;
  readonly source: Storage;
  readonly target: Storage;
  readonly report: Progress;
  /** Objects that could not be read, by name. */
  readonly skipped: Set<string>;
  readonly total: { value: number };
}

/** A file of the domain. */
interface Entry {
  readonly id: string;
  readonly object: string;
  /** Name at the target: rows from before canonical names get one. */
  readonly wanted: string;
  readonly size: number;
  readonly sha256: string;
}

/**
 * Copies every artifact and every upload chunk of the domain to another store, and then switches to
 * it (core-content §2.5). Passes go on until one finds little; the last one holds the domain's
 * row, which who stores a file shares, so no file is left behind. Old files stay.
 */
export async function migrateStore(
  job: Job,
  domain: DomainRef,
  settings: StoreSettings,
): Promise<void> {
  const { ctx } = job;
  const target = ctx.openStore(settings);
  if (!target) throw backendMissing();
  await using report = job.progress({ code: "migrate", message: "Migrating Artifacts", total: 0 });
  await using update = job.progress({
    code: "update",
    message: `Update Domain(${domain.name})'s Backend Settings`,
    total: 1,
  });
  const source = ctx.storage(domain);
  const rest = { skipped: new Set<string>(), total: { value: 0 } };
  const migration: Migration = { job, domain, source, target, report, ...rest };
  let since = "-infinity";
  for (let pass = 0; pass < MAX_PASSES; pass += 1) {
    const next = await momentBefore(ctx.db);
    const copied = await copyAll(migration, ctx.db, since);
    since = next;
    // What is left is little enough for the pass that others wait for.
    if (copied < BATCH) break;
  }
  await ctx.db.transaction().execute(async (trx) => {
    await sql`select from domain where num = ${domain.num} for no key update`.execute(trx);
    await copyAll(migration, trx, since);
    await switchStore(ctx, trx, { domain, settings, skipped: migration.skipped });
  });
  update.add();
  await report.finish();
  await update.finish();
  await tellSkipped(job, migration.skipped);
}

/** What has a time stamp before this one is there to be read. */
async function momentBefore(db: Executor): Promise<string> {
  const { rows } = await sql<{ moment: string }>`
    select clock_timestamp() - make_interval(secs => ${MARGIN_SECONDS}) as moment`.execute(db);
  return rows[0]?.moment ?? "-infinity";
}

/** @returns how many files stored since then were not at the target yet. */
async function copyAll(migration: Migration, db: Executor, since: string): Promise<number> {
  let copied = 0;
  for (const page of [artifactPage, chunkPage]) {
    let after = FIRST_ID;
    for (;;) {
      const entries = await page(db, migration.domain, { since, after });
      const last = entries.at(-1);
      if (!last) break;
      after = last.id;
      copied += await copyBatch(migration, entries);
    }
  }
  return copied;
}

interface Page {
  readonly since: string;
  readonly after: string;
}

async function artifactPage(
  db: Executor,
  domain: DomainRef,
  { since, after }: Page,
): Promise<Entry[]> {
  const { rows } = await sql<{ id: string; file: string | null; size: number; sha256: string }>`
    select id, file, size, encode(sha256, 'hex') as sha256 from artifact
    where domain = ${domain.num} and created >= ${since}::timestamptz and id > ${after} order by id limit ${BATCH}`.execute(
    db,
  );
  return rows.map(({ file, ...row }) => {
    const wanted = objectName(domain, row.sha256);
    return { ...row, wanted, object: file ?? wanted };
  });
}

async function chunkPage(
  db: Executor,
  domain: DomainRef,
  { since, after }: Page,
): Promise<Entry[]> {
  const { rows } = await sql<Entry>`
    select c.id, c.file as object, c.file as wanted, c.size, encode(c.sha256, 'hex') as sha256
    from upload u join upload_chunk c on c.upload = u.id
    where u.domain = ${domain.num} and u.updated >= ${since}::timestamptz and c.id > ${after} order by c.id limit ${BATCH}`.execute(
    db,
  );
  return rows;
}

async function copyBatch(migration: Migration, entries: readonly Entry[]): Promise<number> {
  const { job, target, skipped, report, total } = migration;
  const done = await mapBounded(entries, PARALLEL, async (entry) => {
    job.signal.throwIfAborted();
    if (skipped.has(entry.object)) return 0;
    if ((await target.stat(entry.wanted))?.sizeBytes === entry.size) return 0;
    if (!(await copied(migration, entry))) {
      skipped.add(entry.object);
      return 0;
    }
    report.setTotal(++total.value);
    report.add();
    return 1;
  });
  return done.reduce<number>((sum, one) => sum + one, 0);
}

/** False if the file is missing or damaged: it stays where it is, and so does its row. */
async function copied({ job, domain, source, target }: Migration, entry: Entry): Promise<boolean> {
  const { object, wanted, sha256 } = entry;
  await using file = await target.beginFile();
  const stored = await source.open(object).catch((error) => {
    job.ctx.log.warn(`Reading ${object} failed: ${String(error)}`);
    return undefined;
  });
  if (!stored) return false;
  await using _open = stored;
  await pipeline(stored.stream(), file.sink, { signal: job.signal });
  const sealed = await file.seal();
  if (sealed.digests.sha256 !== sha256) return false;
  await target.place(file, wanted, { domain: domain.name });
  return true;
}

interface Switch {
  readonly domain: DomainRef;
  readonly settings: StoreSettings;
  readonly skipped: ReadonlySet<string>;
}

async function switchStore(ctx: Ctx, trx: Trx, { domain, settings, skipped }: Switch) {
  await sql`
    update artifact set file = null, updated = clock_timestamp()
    where domain = ${domain.num} and file is not null and file <> all(${[...skipped]}::text[])`.execute(
    trx,
  );
  await trx
    .updateTable("domain")
    .set({
      storage_class: settings.storageClass,
      storage_settings: JSON.stringify(sealOptions(settings.options, ctx.secrets)),
      storage_epoch: sql<number>`storage_epoch + 1`,
      updated: sql`clock_timestamp()`,
    })
    .where("num", "=", domain.num)
    .execute();
}

const TOLD = 100;

async function tellSkipped(job: Job, skipped: ReadonlySet<string>): Promise<void> {
  if (skipped.size === 0) return;
  const names = [...skipped].slice(0, TOLD).join(", ");
  job.ctx.log.warn(`${skipped.size} files could not be read and were not migrated: ${names}`);
  await using report = job.progress({
    code: "migrate.skipped",
    message: "Skip Artifacts that cannot be read",
    total: skipped.size,
  });
  report.add(skipped.size);
  await report.finish();
}
