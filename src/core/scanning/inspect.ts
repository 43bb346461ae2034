import { sql } from "kysely";
import { objectName } from "../artifacts/queries.ts";
import type { Ctx, DomainRef, Executor } from "../ctx.ts";
import { keepFinding, persistentScan } from "./commands.ts";
import type { UnscannedFile } from "./queries.ts";
import type { ScanStatus } from "./table.ts";

/** What of a domain is looked at: a file, the files of a unit, or those of a version. */
export type Inspected =
  | { readonly artifact: string }
  | { readonly content: string }
  | { readonly version: string };

const BATCH = 500;

/** Stored files, whatever was found of them before, in batches. */
export async function* storedFiles(
  db: Executor,
  domain: DomainRef,
  inspected: Inspected,
): AsyncGenerator<readonly UnscannedFile[]> {
  let after = "";
  for (;;) {
    const { rows } = await sql<UnscannedFile>`
      select distinct on (a.sha256) encode(a.sha256, 'hex') as sha256, a.file, f.path
      from ${filesOf(domain, inspected)} f join artifact a on a.domain = ${domain.num} and a.id = f.artifact
      where encode(a.sha256, 'hex') > ${after}
      order by a.sha256 limit ${BATCH}`.execute(db);
    const last = rows.at(-1);
    if (!last) return;
    yield rows;
    after = last.sha256;
  }
}

function filesOf({ num }: DomainRef, inspected: Inspected) {
  if ("artifact" in inspected) {
    return sql`(select ${inspected.artifact}::uuid as artifact, null as path)`;
  }
  const members =
    "content" in inspected
      ? sql`select ${inspected.content}::uuid as content`
      : sql`select m.content from repository_version v join membership m
          on m.repository = v.repository and m.added <= v.number and m.removed > v.number
          where v.domain = ${num} and v.id = ${inspected.version}`;
  return sql`(select c.artifact, c.relative_path as path from (${members}) m
    join content_artifact c on c.domain = ${num} and c.content = m.content)`;
}

const STATUS = {
  clean: "clean",
  infected: "infected",
  oversize: "skipped",
  failed: "error",
} as const;

/**
 * Scans a file that is stored already and keeps what was found. Nothing is put away: the file is in
 * use, and served on unless `CLAMAV_BLOCK_EXISTING` says otherwise (service §15, retroactive hits).
 */
export async function inspectFile(
  ctx: Ctx,
  domain: DomainRef,
  { one, signal }: { readonly one: UnscannedFile; readonly signal: AbortSignal },
): Promise<ScanStatus> {
  const { sha256, file, path } = one;
  const what = path ?? sha256;
  await using object = await ctx.storage(domain).open(file ?? objectName(domain, sha256));
  const scanned = { file: object, sha256, sizeBytes: object.sizeBytes, what, signal };
  const { verdict, version } = await persistentScan(ctx, { ...scanned, trigger: "manual" });
  const status = STATUS[verdict.kind];
  if (verdict.kind === "infected") {
    ctx.log.warn(`ClamAV Scan results: ${what} FOUND ${verdict.signature}`);
  }
  if (verdict.kind === "failed") ctx.log.error(`Failed to scan ${what}: ${verdict.reason}.`);
  const signature = verdict.kind === "infected" ? { signature: verdict.signature } : {};
  await keepFinding(ctx, domain, { ...scanned, status, version, ...signature, trigger: "manual" });
  return status;
}
