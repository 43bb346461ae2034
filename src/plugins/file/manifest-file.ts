import { once } from "node:events";
import type { Download, Executor, Job, VersionRef } from "#sdk";
import { saveArtifacts, sql } from "#sdk";
import { type ManifestEntry, ManifestReader, manifestLine } from "./format/manifest.ts";

const READ_BYTES = 256 * 1024;
const ROWS = 2000;

/** The entries of a manifest that was downloaded, piece by piece. */
export async function* readManifest(
  file: Download["file"],
  name: string,
): AsyncGenerator<readonly ManifestEntry[]> {
  const reader = new ManifestReader(name);
  for (let at = 0; at < file.sizeBytes; at += READ_BYTES)
    yield reader.push(await file.read(at, Math.min(READ_BYTES, file.sizeBytes - at)));
  yield reader.end();
}

interface MemberRow {
  readonly relative_path: string;
  readonly digest: Buffer;
  readonly size: number | null;
}

/**
 * Writes the manifest of a version, newest unit first, and stores it.
 *
 * @returns `artifact.id`
 */
export async function writeManifest(job: Job, version: VersionRef): Promise<string> {
  const { ctx, caller, signal } = job;
  await using file = await ctx.storage(caller.domain).beginFile();
  await ctx.db.transaction().execute(async (trx) => {
    await sql`declare members no scroll cursor for ${membersOf(version)}`.execute(trx);
    for await (const rows of fetched(trx)) {
      signal.throwIfAborted();
      const text = rows.map(lineOf).join("");
      if (!file.sink.write(text)) await once(file.sink, "drain", { signal });
    }
  });
  const sealed = await file.seal();
  const [saved] = await saveArtifacts(ctx, caller.domain, [{ file, sealed }]);
  if (saved === undefined) throw new Error("Saving the manifest gave no artifact.");
  return saved.id;
}

async function* fetched(trx: Executor): AsyncGenerator<readonly MemberRow[]> {
  for (;;) {
    const { rows } = await sql<MemberRow>`fetch ${sql.lit(ROWS)} from members`.execute(trx);
    if (rows.length > 0) yield rows;
    if (rows.length < ROWS) return;
  }
}

const lineOf = ({ relative_path, digest, size }: MemberRow): string =>
  manifestLine({ relativePath: relative_path, sha256: digest.toString("hex"), sizeBytes: size });

/** A cursor takes no parameters where it is declared, hence literals: numbers of ours only. */
const membersOf = ({ number, repository }: VersionRef) => sql`
  select f.relative_path, f.digest, coalesce(a.size, r.size) as size
  from membership m
  join content c on c.domain = m.domain and c.id = m.content
  join file_content f on f.domain = m.domain and f.id = m.content
  join content_artifact ca on ca.content = m.content
  left join artifact a on a.domain = ca.domain and a.id = ca.artifact
  left join lateral (
    select size from remote_artifact
    where content_artifact = ca.id and size is not null limit 1
  ) r on a.id is null
  where m.repository = ${sql.lit(repository.num)} and m.domain = ${sql.lit(repository.domain)}
    and m.added <= ${sql.lit(number)} and m.removed > ${sql.lit(number)}
  order by c.created desc, c.id desc`;
