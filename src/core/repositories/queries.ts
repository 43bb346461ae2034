import { type RawBuilder, sql } from "kysely";
import type { Ctx, DomainRef, Executor } from "../ctx.ts";
import { OPEN } from "./table.ts";
import type { Member, RepositoryFacts, VersionFacts, VersionRange } from "./types.ts";

const PAGE = 2000;

export interface RepositoryRow {
  readonly num: number;
  readonly id: string;
  readonly domain: number;
  readonly type: string;
  readonly name: string;
  readonly next_version: number;
  readonly retain_repo_versions: number | null;
  readonly retain_checkpoints: number | null;
  readonly user_hidden: boolean;
}

/** Columns of `RepositoryRow` under the alias `r`. */
export const repositoryColumns = sql`r.num, r.id, r.domain, r.type, r.name, r.next_version,
  r.retain_repo_versions, r.retain_checkpoints, r.user_hidden`;

export const toRepository = (row: RepositoryRow): RepositoryFacts => ({
  num: row.num,
  id: row.id,
  domain: row.domain,
  type: row.type,
  name: row.name,
  nextVersion: row.next_version,
  retainRepoVersions: row.retain_repo_versions,
  retainCheckpoints: row.retain_checkpoints,
  isHidden: row.user_hidden,
});

async function repositoryWhere(
  db: Executor,
  where: RawBuilder<unknown>,
): Promise<RepositoryFacts | undefined> {
  const { rows } = await sql<RepositoryRow>`
    select ${repositoryColumns} from repository r where ${where}`.execute(db);
  return rows[0] && toRepository(rows[0]);
}

export const repositoryById = (db: Executor, domain: DomainRef, id: string) =>
  repositoryWhere(db, sql`r.domain = ${domain.num} and r.id = ${id}`);

/** The row, locked until the transaction ends: one writer of versions at a time. */
export const lockRepository = (db: Executor, id: string) =>
  repositoryWhere(db, sql`r.id = ${id} for no key update`);

interface VersionRow extends RepositoryRow {
  readonly version: string;
  readonly number: number;
  readonly counts: VersionFacts["counts"];
  readonly info: VersionFacts["info"];
  readonly base_version: string | null;
  readonly created: string;
}

async function versionWhere(
  db: Executor,
  where: RawBuilder<unknown>,
): Promise<VersionFacts | undefined> {
  const { rows } = await sql<VersionRow>`
    select ${repositoryColumns}, v.id as version, v.number, v.counts, v.info, v.base_version, v.created
    from repository r join repository_version v on v.repository = r.num
    where v.complete and ${where} order by v.number desc limit 1`.execute(db);
  const [row] = rows;
  if (!row) return undefined;
  return {
    id: row.version,
    number: row.number,
    repository: toRepository(row),
    counts: row.counts,
    info: row.info,
    baseVersion: row.base_version,
    created: row.created,
  };
}

/** The complete version of the highest number. */
export const latestVersion = (db: Executor, domain: DomainRef, repositoryId: string) =>
  versionWhere(db, sql`r.domain = ${domain.num} and r.id = ${repositoryId}`);

export const versionByNumber = (
  db: Executor,
  domain: DomainRef,
  key: { readonly repository: string; readonly number: number },
) =>
  versionWhere(
    db,
    sql`r.domain = ${domain.num} and r.id = ${key.repository} and v.number = ${key.number}`,
  );

export const versionById = (db: Executor, domain: DomainRef, id: string) =>
  versionWhere(db, sql`v.domain = ${domain.num} and v.id = ${id}`);

/** Complete versions, as plugins look for them. */
export const versions = { latest: latestVersion, byId: versionById } as const;

/** Where a version's members are found: a condition on `membership` under an alias. */
export const isPresent = (alias: string, { repository, number }: VersionRange) =>
  sql<boolean>`${sql.ref(`${alias}.repository`)} = ${repository}
    and ${sql.ref(`${alias}.added`)} <= ${number} and ${sql.ref(`${alias}.removed`)} > ${number}`;

/**
 * Whether a row of `membership` under an alias is of the latest version. As a bound and not as an
 * equation, so that no plan takes the index over what was removed when: all members of the latest
 * version are one value of it, and without statistics it looks like the best of all.
 */
export const isOpen = (alias: string) => sql<boolean>`${sql.ref(`${alias}.removed`)} >= ${OPEN}`;

/** All members in the order of their ids, a page at a time: memory does not grow with the version. */
export async function* memberPages(
  db: Executor,
  version: VersionRange,
  options: { readonly types?: readonly number[]; readonly pageSize?: number } = {},
): AsyncGenerator<readonly Member[]> {
  const { types, pageSize = PAGE } = options;
  const ofTypes = types === undefined ? sql`true` : sql`m.type = any(${types}::smallint[])`;
  for (let after: string | undefined; ; ) {
    const { rows } = await sql<Member>`
      select m.content as id, m.type from membership m
      where ${isPresent("m", version)} and ${ofTypes}
        and ${after === undefined ? sql`true` : sql`m.content > ${after}`}
      order by m.content limit ${pageSize}`.execute(db);
    if (rows.length > 0) yield rows;
    if (rows.length < pageSize) return;
    after = rows.at(-1)?.id;
  }
}

/** Units of version `to` that version `from` of the same repository does not have; `from < to`. */
export async function addedUnits(
  db: Executor,
  { repository, from, to }: { repository: number; from: number; to: number },
): Promise<Member[]> {
  const { rows } = await sql<Member>`
    select m.content as id, m.type from membership m
    where m.repository = ${repository} and m.added > ${from} and m.added <= ${to}
      and m.removed > ${to} and not exists (
        select from membership o where ${isPresent("o", { repository, number: from })}
          and o.content = m.content)
    order by m.content`.execute(db);
  return rows;
}

/** Units of version `from` that version `to` of the same repository no longer has; `from < to`. */
export async function removedUnits(
  db: Executor,
  { repository, from, to }: { repository: number; from: number; to: number },
): Promise<Member[]> {
  const { rows } = await sql<Member>`
    select m.content as id, m.type from membership m
    where m.repository = ${repository} and m.removed > ${from} and m.removed <= ${to}
      and m.removed < ${OPEN} and m.added <= ${from} and not exists (
        select from membership o where ${isPresent("o", { repository, number: to })}
          and o.content = m.content)
    order by m.content`.execute(db);
  return rows;
}

/**
 * Whether version `v` of repository `r` is needed by a distribution (core-content §3.4): named by
 * one, through a publication, as a checkpoint that is served, or as what the repository serves.
 */
export function isProtected(servesPublications: boolean): RawBuilder<boolean> {
  const served = servesPublications
    ? sql`exists (select from publication p where p.version = w.id and p.complete)`
    : sql`true`;
  return sql<boolean>`(
    exists (select from distribution d where d.domain = v.domain and d.version = v.id)
    or exists (select from publication p join distribution d
      on d.domain = p.domain and d.publication = p.id where p.version = v.id)
    or exists (select from publication p where p.version = v.id and p.checkpoint and p.complete)
      and exists (select from distribution d
        where d.domain = r.domain and d.repository = r.id and d.checkpoint)
    or v.number = (select w.number from repository_version w
        where w.repository = r.num and w.complete and ${served} order by w.number desc limit 1)
      and exists (select from distribution d
        where d.domain = r.domain and d.repository = r.id and not d.checkpoint))`;
}

/** Whether a distribution needs the version, so that it may not be deleted. */
export async function isProtectedVersion(ctx: Ctx, versionId: string): Promise<boolean> {
  const types = (isPublished: boolean) =>
    ctx.plugins.all.flatMap(({ repositoryTypes }) =>
      repositoryTypes
        .filter(({ servesPublications }) => servesPublications === isPublished)
        .map(({ type }) => type),
    );
  const { rows } = await sql`
    select from repository_version v join repository r on r.num = v.repository
    where v.id = ${versionId} and (
      r.type = any(${types(true)}::text[]) and ${isProtected(true)}
      or r.type = any(${types(false)}::text[]) and ${isProtected(false)})`.execute(ctx.db);
  return rows.length > 0;
}
