import type { DomainRef, Executor } from "#sdk";
import { sql } from "#sdk";

/** SHA-256 in hex of those packages that the domain has. */
export async function knownPackages(
  db: Executor,
  domain: DomainRef,
  sha256s: readonly string[],
): Promise<Set<string>> {
  const digests = sha256s.map((hex) => Buffer.from(hex, "hex"));
  const { rows } = await sql<{ sha256: Buffer }>`
    select sha256 from python_package
    where domain = ${domain.num} and sha256 = any(${digests}::bytea[])`.execute(db);
  return new Set(rows.map(({ sha256 }) => sha256.toString("hex")));
}

/** Projects whose units are asked for at once. */
const NAMES = 500;

/** `content.id` of the members of the latest version that belong to the projects, in pieces. */
export async function* membersOfProjects(
  db: Executor,
  { domain, repository }: { readonly domain: DomainRef; readonly repository: string },
  names: readonly string[],
): AsyncGenerator<readonly string[]> {
  for (let at = 0; at < names.length; at += NAMES) {
    const some = names.slice(at, at + NAMES);
    const { rows } = await sql<{ id: string }>`
      with unit as (
        select id from python_package
        where domain = ${domain.num} and name_normalized = any(${some}::text[])
        union all
        select id from python_yank
        where domain = ${domain.num} and name_normalized = any(${some}::text[])
        union all
        select v.id from python_package p
        join python_provenance v on v.domain = p.domain and v.package = p.id
        where p.domain = ${domain.num} and p.name_normalized = any(${some}::text[]))
      select unit.id from unit join membership m on m.content = unit.id
      join repository r on r.num = m.repository and m.removed = 2147483647
      where r.id = ${repository}`.execute(db);
    yield rows.map(({ id }) => id);
  }
}

/** Whether the latest version has files that are not stored, which an immediate sync wants. */
export async function lacksFiles(
  db: Executor,
  { domain, repository }: { readonly domain: DomainRef; readonly repository: string },
): Promise<boolean> {
  const { rows } = await sql<{ lacks: boolean }>`
    select exists (
      select from repository r
      join membership m on m.repository = r.num and m.removed = 2147483647
      join content_artifact ca on ca.content = m.content and ca.artifact is null
      where r.domain = ${domain.num} and r.id = ${repository}
    ) as lacks`.execute(db);
  return rows[0]?.lacks ?? false;
}
