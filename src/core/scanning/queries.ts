import { sql } from "kysely";
import type { Ctx, DomainRef, Executor } from "../ctx.ts";

/** The labels that matter, as one condition. */
const isWanted = sql`lower(labels ->> 'malware_scanning') = 'true'`;

/** Whether everything that goes into the domain is scanned. */
export async function isScannedDomain(ctx: Ctx, domain: DomainRef): Promise<boolean> {
  if (!ctx.scanner) return false;
  const { rows } = await sql<{ is: boolean }>`
    select ${isWanted} as is from domain where num = ${domain.num}`.execute(ctx.db);
  return rows[0]?.is === true;
}

/** Whether downloads on demand are scanned: the domain asks for it, or one of its repositories. */
export async function isScannedOnDemand(ctx: Ctx, domain: DomainRef): Promise<boolean> {
  if (!ctx.scanner) return false;
  const { rows } = await sql<{ is: boolean }>`
    select exists (select from domain where num = ${domain.num} and ${isWanted})
      or exists (select from repository where domain = ${domain.num} and ${isWanted}) as is`.execute(
    ctx.db,
  );
  return rows[0]?.is === true;
}

/** Whether what joins the repository is scanned; with the domain, it was so on its way in. */
export async function isScannedRepository(ctx: Ctx, repository: string): Promise<boolean> {
  if (!ctx.scanner) return false;
  for (const { pushGate } of ctx.plugins.all) {
    const scanning = await pushGate?.scanning(ctx, repository);
    if (scanning === "on" || scanning === "off") return scanning === "on";
  }
  const { rows } = await sql<{ is: boolean }>`
    select ${isWanted} as is from repository where id = ${repository}`.execute(ctx.db);
  return rows[0]?.is === true;
}

/** Whether somebody has said of a file that it is harmless, though something was found in it. */
export async function isReleased(
  db: Executor,
  domain: DomainRef,
  sha256: string,
): Promise<boolean> {
  const { rows } = await sql`
    select from malware_scan where domain = ${domain.num}
      and artifact_sha256 = ${Buffer.from(sha256, "hex")} and status = 'clean'
      and signature is not null`.execute(db);
  return rows.length > 0;
}

export interface InfectedFile {
  readonly sha256: string;
  readonly signature: string;
}

/** Which of the files are known to be infected, the first of them. */
export async function knownInfected(
  db: Executor,
  domain: DomainRef,
  digests: readonly string[],
): Promise<InfectedFile | undefined> {
  const bytes = digests.map((digest) => Buffer.from(digest, "hex"));
  const { rows } = await sql<InfectedFile>`
    select encode(artifact_sha256, 'hex') as sha256, coalesce(signature, '') as signature
    from malware_scan where domain = ${domain.num} and status = 'infected'
      and artifact_sha256 = any(${bytes}::bytea[]) limit 1`.execute(db);
  return rows[0];
}

export interface UnscannedFile {
  readonly sha256: string;
  readonly file: string | null;
  readonly path: string | null;
}

const BATCH = 500;

/** Stored files of units that no scan has found clean, in batches. */
export async function* unscannedFiles(
  db: Executor,
  domain: DomainRef,
  units: { readonly ids: readonly string[] } | { readonly version: string },
): AsyncGenerator<readonly UnscannedFile[]> {
  const members =
    "ids" in units
      ? sql`select unnest(${units.ids}::uuid[]) as content`
      : sql`select m.content from repository_version v join membership m
          on m.repository = v.repository and m.added <= v.number and m.removed > v.number
          where v.domain = ${domain.num} and v.id = ${units.version}`;
  let after = "";
  for (;;) {
    const { rows } = await sql<UnscannedFile>`
      select distinct on (a.sha256) encode(a.sha256, 'hex') as sha256, a.file,
        f.relative_path as path
      from (${members}) m
        join content_artifact f on f.domain = ${domain.num} and f.content = m.content
        join artifact a on a.domain = f.domain and a.id = f.artifact
      where encode(a.sha256, 'hex') > ${after} and not exists (
        select from malware_scan s where s.domain = a.domain
          and s.artifact_sha256 = a.sha256 and s.status = 'clean')
      order by a.sha256 limit ${BATCH}`.execute(db);
    const last = rows.at(-1);
    if (!last) return;
    yield rows;
    after = last.sha256;
  }
}
