import { ValidationError } from "#base/errors.ts";
import { type Job, saveUnits, sql, type VersionRef } from "#sdk";
import { pythonPackage } from "../content.ts";
import { ingest } from "../ingest.ts";
import { correct } from "./correct.ts";
import { repairDeferred } from "./deferred.ts";
import { membersOf, type Package, type Repaired } from "./members.ts";
import { Summary } from "./summary.ts";

/** Packages whose files are read before their rows are written. */
const BATCH = 50;

interface Stored extends Package {
  readonly artifact: string;
  /** `artifact.id` of the metadata beside a wheel, if there are any. */
  readonly beside: string | null;
}

/**
 * Makes the metadata of every package of a version right again (plugin-python §7.4): files that are
 * here are read, and of others their remotes are asked. Columns that differ are corrected, and wheels
 * that are here get their `.metadata` file. What cannot be read, and what no remote knows, is told as
 * not repaired. No new version is made; the one whose packages changed says when, so that pages made
 * of it can be told to be old.
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
  const summary = new Summary();
  for (const repairs of [repairStored, repairDeferred])
    for await (const repaired of repairs(job, version)) {
      if (repaired.changed > 0) await touchVersion(job, version);
      report.add(repaired.read);
      failures.add(repaired.unread.length);
      summary.add(repaired);
    }
  await report.finish();
  await failures.finish();
  job.ctx.log.info(summary.text(await nameOf(job, version)));
}

async function countOf({ ctx }: Job, version: VersionRef): Promise<number> {
  const { rows } = await sql<{
    n: number;
  }>`select count(*)::int as n ${membersOf(version)}`.execute(ctx.db);
  return rows[0]?.n ?? 0;
}

async function nameOf({ ctx }: Job, { repository }: VersionRef): Promise<string> {
  const { rows } = await sql<{
    name: string;
  }>`select name from repository where num = ${repository.num}`.execute(ctx.db);
  return rows[0]?.name ?? "";
}

const touchVersion = ({ ctx }: Job, { id }: VersionRef) =>
  sql`update repository_version set updated = clock_timestamp() where id = ${id}`.execute(ctx.db);

async function* repairStored(job: Job, version: VersionRef): AsyncGenerator<Repaired> {
  let after = "00000000-0000-0000-0000-000000000000";
  for (;;) {
    job.signal.throwIfAborted();
    const { rows } = await sql<Stored>`
      select p.id, p.name, p.version, p.filename, ca.artifact, md.artifact as beside
      ${membersOf(version)}
      join content_artifact ca on ca.content = p.id and ca.relative_path = p.filename
      left join content_artifact md
        on md.content = p.id and md.relative_path = p.filename || '.metadata'
      where ca.artifact is not null and m.content > ${after}
      order by m.content limit ${BATCH}`.execute(job.ctx.db);
    if (rows.length > 0) yield await repairBatch(job, rows);
    const last = rows.at(-1);
    if (last === undefined || rows.length < BATCH) return;
    after = last.id;
  }
}

async function repairBatch(job: Job, members: readonly Stored[]): Promise<Repaired> {
  const { ctx, caller } = job;
  const units = [];
  const unread: Package[] = [];
  let metadata = 0;
  for (const member of members) {
    const unit = await readAgain(job, member);
    if (!unit) {
      unread.push(member);
      continue;
    }
    units.push({ id: member.id, unit });
    const [, beside] = unit.files;
    if (beside && beside.artifact !== member.beside) metadata += 1;
  }
  await saveUnits(ctx, {
    domain: caller.domain,
    type: pythonPackage,
    units: units.map(({ unit }) => unit),
  });
  const changed = await correct(job, new Map(units.map(({ id, unit }) => [id, unit.row])));
  return { read: units.length, unread, changed, metadata };
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
