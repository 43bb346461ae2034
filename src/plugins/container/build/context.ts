import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { type Job, openArtifact, sql } from "#sdk";

/** Rows that are read at a time. */
const PAGE = 1000;

/** Writes an artifact to a file. */
export async function writeArtifact(
  { ctx, caller, signal }: Job,
  { artifact, path }: { readonly artifact: string; readonly path: string },
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await using stored = await openArtifact(ctx, caller.domain, artifact);
  await pipeline(stored.file.stream(), createWriteStream(path), { signal });
}

/**
 * Writes the files of a version to a folder of the task.
 *
 * @param version `repository_version.id`; without it the folder is empty.
 * @returns the folder.
 */
export async function layOutContext(job: Job, version: string | undefined): Promise<string> {
  const folder = join(job.workingDirectory, "context");
  await mkdir(folder);
  if (version === undefined) return folder;
  for (let after = ""; ; ) {
    const { rows } = await sql<{ path: string; artifact: string }>`
      select f.relative_path as path, f.artifact from repository_version v
      join membership m on m.repository = v.repository and m.added <= v.number
        and m.removed > v.number
      join content_artifact f on f.domain = m.domain and f.content = m.content
      where v.domain = ${job.caller.domain.num} and v.id = ${version}
        and f.artifact is not null and f.relative_path > ${after}
      order by f.relative_path limit ${PAGE}`.execute(job.ctx.db);
    for (const { path, artifact } of rows)
      await writeArtifact(job, { artifact, path: join(folder, path) });
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return folder;
    after = last.path;
  }
}
