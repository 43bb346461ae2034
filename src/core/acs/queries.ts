import { sql } from "kysely";
import type { DomainRef, Executor } from "../ctx.ts";

/** Where an alternate content source has a file. */
export interface AlternateFile {
  /** `remote.id` */
  readonly remote: string;
  readonly url: string;
}

export async function hasAlternateSources(db: Executor, domain: DomainRef): Promise<boolean> {
  const row = await db
    .selectFrom("alternate_content_source")
    .select("id")
    .where("domain", "=", domain.num)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * What the alternate sources of a domain know of these files; of several any one.
 *
 * @param sha256s lower-case hex.
 * @returns by hex.
 */
export async function alternateFiles(
  db: Executor,
  domain: DomainRef,
  sha256s: readonly string[],
): Promise<Map<string, AlternateFile>> {
  const { rows } = await sql<{ sha256: Buffer; remote: string; url: string }>`
    select distinct on (r.sha256) r.sha256, r.remote, r.url
    from remote_artifact r
    join alternate_content_source s on s.domain = r.domain and s.remote = r.remote
    where r.domain = ${domain.num}
      and r.sha256 = any(${sha256s.map((hex) => Buffer.from(hex, "hex"))}::bytea[])
    order by r.sha256, r.failed_at nulls first`.execute(db);
  return new Map(rows.map(({ sha256, remote, url }) => [sha256.toString("hex"), { remote, url }]));
}
