import { sql } from "kysely";
import type { BundledFile } from "#platform/storage/storage.ts";
import type { Ctx, Db } from "../ctx.ts";
import type { PublicationRef } from "./types.ts";

const PAGE = 1000;
const TOLD = 20;

/**
 * Lets the store list the files of the publication's version under the name `publication-<id>`, where
 * stores have such names (service §16). Files that it has lost are told, and are not listed.
 *
 * @throws `storageErrors` as the store says; the caller deletes the publication.
 */
export async function bundlePublication(
  ctx: Ctx,
  { id, domain, version }: PublicationRef,
): Promise<void> {
  const files = storedFiles(ctx.db, version);
  const missing = (await ctx.storage(domain).bundle?.(`publication-${id}`, files)) ?? [];
  if (missing.length === 0) return;
  const names = missing.slice(0, TOLD).join(", ");
  ctx.log.warn(`${missing.length} files of publication ${id} are not in the store: ${names}`);
}

interface FileRow extends BundledFile {
  readonly content: string;
  readonly id: string;
}

/** Files of a version that are stored, a page at a time. */
async function* storedFiles(db: Db, version: string): AsyncGenerator<BundledFile> {
  let [content, id] = [FIRST_ID, FIRST_ID];
  for (;;) {
    const { rows } = await sql<FileRow>`
      select f.content, f.id, f.relative_path as "relativePath", a.size as "sizeBytes",
        encode(a.sha256, 'hex') as sha256
      from repository_version v
      join membership m on m.repository = v.repository
        and m.added <= v.number and m.removed > v.number
      join content_artifact f on f.domain = m.domain and f.content = m.content
      join artifact a on a.domain = f.domain and a.id = f.artifact
      where v.id = ${version} and (f.content, f.id) > (${content}::uuid, ${id}::uuid)
      order by f.content, f.id limit ${PAGE}`.execute(db);
    yield* rows;
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return;
    ({ content, id } = last);
  }
}

const FIRST_ID = "00000000-0000-0000-0000-000000000000";
