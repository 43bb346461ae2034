import type { DomainRef, Executor } from "#sdk";
import { sql } from "#sdk";

/**
 * SHA-256 in hex of those packages that the domain has. Each is looked up by itself: of a list, a
 * planner without statistics takes that it is as good to read all packages of the domain.
 */
export async function knownPackages(
  db: Executor,
  domain: DomainRef,
  sha256s: readonly string[],
): Promise<Set<string>> {
  const digests = sha256s.map((hex) => Buffer.from(hex, "hex"));
  const { rows } = await sql<{ sha256: Buffer }>`
    select w.sha256 from unnest(${digests}::bytea[]) as w (sha256)
    where (select true from python_package p
      where p.domain = ${domain.num} and p.sha256 = w.sha256 limit 1)`.execute(db);
  return new Set(rows.map(({ sha256 }) => sha256.toString("hex")));
}

/** Projects whose units are asked for at once. */
const NAMES = 500;

/** `content.id` of the members of the latest version that belong to the projects, in pieces. */
export async function* membersOfProjects(
  db: Executor,
  whose: { readonly domain: DomainRef; readonly repository: string },
  names: readonly string[],
): AsyncGenerator<readonly string[]> {
  for (let at = 0; at < names.length; at += NAMES) {
    const units = await unitsOfProjects(db, whose.domain, names.slice(at, at + NAMES));
    // By ids rather than by a join, which a planner without statistics makes quadratic.
    const { rows } = await sql<{ id: string }>`
      select content as id from membership
      where repository = (select num from repository
          where domain = ${whose.domain.num} and id = ${whose.repository})
        and removed = 2147483647 and content = any(${units}::uuid[])`.execute(db);
    yield rows.map(({ id }) => id);
  }
}

/** Packages, yank markers and provenance that the domain has of the projects. */
async function unitsOfProjects(
  db: Executor,
  domain: DomainRef,
  names: readonly string[],
): Promise<string[]> {
  const { rows: named } = await sql<{ id: string }>`
    select id from python_package
    where domain = ${domain.num} and name_normalized = any(${names}::text[])
    union all
    select id from python_yank
    where domain = ${domain.num} and name_normalized = any(${names}::text[])`.execute(db);
  const ids = named.map(({ id }) => id);
  const { rows: proven } = await sql<{ id: string }>`
    select id from python_provenance
    where domain = ${domain.num} and package = any(${ids}::uuid[])`.execute(db);
  return [...ids, ...proven.map(({ id }) => id)];
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
