import { isDeepStrictEqual } from "node:util";
import { ValidationError } from "#base/errors.ts";
import { type Job, saveUnits, sql, type VersionRef } from "#sdk";
import { pythonPackage } from "./content.ts";
import { ingest } from "./ingest.ts";

/** Packages whose files are read before their rows are written. */
const BATCH = 50;

interface Member {
  readonly id: string;
  readonly filename: string;
  /** Null while the file is not downloaded. */
  readonly artifact: string | null;
}

/**
 * Reads the metadata of every package of a version again (plugin-python §7.4): columns that differ
 * are corrected, and wheels get their `.metadata` file. Packages without a file cannot be read; they,
 * and files that are no distributions, are told as not repaired. No new version is made; the one
 * whose packages changed says when, so that pages made of it can be told to be old.
 */
export async function repairMetadata(job: Job, version: VersionRef): Promise<void> {
  const total = await countOf(job, version);
  await using report = job.progress({
    code: "repair.metadata",
    message: "Repairing packages' metadata",
    total,
  });
  await using failures = job.progress({
    code: "repair.metadata.failed",
    message: "Packages whose metadata could not be repaired",
  });
  for await (const members of batches(job, version)) {
    job.signal.throwIfAborted();
    const { read, changed } = await repairBatch(job, members);
    if (changed > 0) await touchVersion(job, version);
    report.add(read);
    failures.add(members.length - read);
  }
  await report.finish();
  await failures.finish();
}

const membersOf = ({ number, repository }: VersionRef) => sql`
  from membership m
  join python_package p on p.domain = m.domain and p.id = m.content
  where m.repository = ${repository.num} and m.domain = ${repository.domain}
    and m.added <= ${number} and m.removed > ${number}`;

async function countOf({ ctx }: Job, version: VersionRef): Promise<number> {
  const { rows } = await sql<{
    n: number;
  }>`select count(*)::int as n ${membersOf(version)}`.execute(ctx.db);
  return rows[0]?.n ?? 0;
}

async function* batches({ ctx }: Job, version: VersionRef): AsyncGenerator<readonly Member[]> {
  let after = "00000000-0000-0000-0000-000000000000";
  for (;;) {
    const { rows } = await sql<Member>`
      select p.id, p.filename, (select ca.artifact from content_artifact ca
        where ca.content = p.id and ca.relative_path = p.filename) as artifact
      ${membersOf(version)} and m.content > ${after}
      order by m.content limit ${BATCH}`.execute(ctx.db);
    if (rows.length > 0) yield rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < BATCH) return;
    after = last.id;
  }
}

const touchVersion = ({ ctx }: Job, { id }: VersionRef) =>
  sql`update repository_version set updated = clock_timestamp() where id = ${id}`.execute(ctx.db);

interface Repaired {
  /** Packages that have the right metadata now. */
  readonly read: number;
  /** Those of them that had wrong ones. */
  readonly changed: number;
}

async function repairBatch(job: Job, members: readonly Member[]): Promise<Repaired> {
  const { ctx, caller } = job;
  const units = [];
  for (const { id, filename, artifact } of members) {
    const unit = artifact === null ? undefined : await readAgain(job, { filename, artifact });
    if (unit) units.push({ id, unit });
  }
  await saveUnits(ctx, {
    domain: caller.domain,
    type: pythonPackage,
    units: units.map(({ unit }) => unit),
  });
  let changed = 0;
  for (const { id, unit } of units) if (await correct(job, id, unit.row)) changed += 1;
  return { read: units.length, changed };
}

async function readAgain(job: Job, file: { readonly filename: string; readonly artifact: string }) {
  try {
    return await ingest(job.ctx, job.caller.domain, file);
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    job.ctx.log.warn(`The metadata of ${file.filename} cannot be read: ${error.message}`);
    return undefined;
  }
}

type Columns = Readonly<Record<string, unknown>>;

/** Writes the columns that differ; whether any did. */
async function correct({ ctx, caller }: Job, id: string, row: Columns): Promise<boolean> {
  const { num } = caller.domain;
  const where = sql`domain = ${num} and id = ${id}`;
  const { rows } = await sql<Columns>`select * from python_package where ${where}`.execute(ctx.db);
  const [stored] = rows;
  if (!stored) return false;
  const changes = Object.entries(row)
    .filter(([name, value]) => !isDeepStrictEqual(stored[name], value))
    .map(([name, value]) => sql`${sql.ref(name)} = ${value}`);
  if (changes.length === 0) return false;
  await sql`
    with unit as (
      update content set updated = clock_timestamp() where ${where})
    update python_package set ${sql.join(changes)} where ${where}`.execute(ctx.db);
  return true;
}
