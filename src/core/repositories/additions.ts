import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import type { Ctx, DomainRef, Trx } from "../ctx.ts";
import type { CreatedResource, Draft, VersionRef } from "../plugin-contract.ts";
import { prepared } from "../prepared.ts";
import { repositoryErrors } from "./errors.ts";
import { lockFreeRepositories } from "./queries.ts";
import { countsAfter, type TypeChange } from "./rules.ts";
import { OPEN, type VersionCounts } from "./table.ts";
import type { RepositoryFacts } from "./types.ts";
import { createdVersion } from "./versions.ts";

/** What one repository got. */
export interface Added {
  readonly repository: RepositoryFacts;
  /** Absent if it had everything already. */
  readonly version?: VersionRef;
  /** What a task that made the version would list; absent for hidden repositories. */
  readonly created?: CreatedResource;
  /** Distributions to announce after the commit. */
  readonly announced: readonly string[];
}

/** A version on its way: its repository, its number and what it adds. */
interface Growth extends Draft {
  readonly repository: RepositoryFacts;
  readonly before: VersionCounts;
  readonly add: readonly string[];
}

/**
 * Adds units to the latest versions of several repositories of a domain in the caller's transaction,
 * in as many statements as one repository takes. After its commit the caller announces what is told,
 * and applies the retention of the repositories that have one.
 *
 * Whatever is not plain is left to `commitVersion`: such a repository is absent from the result and
 * nothing of it was changed. So are those that somebody else has locked, and types without
 * `finalizeAdditions`.
 *
 * @param wanted `content.id`s by `repository.id`
 * @throws `repositoryErrors.unsupported`
 */
export async function addToLatest(
  ctx: Ctx,
  trx: Trx,
  { domain, wanted }: { readonly domain: DomainRef; readonly wanted: Wanted },
): Promise<Map<string, Added>> {
  // Where files are scanned, they are so before a repository is locked.
  if (ctx.scanner || wanted.size === 0) return new Map();
  const locked = await lockFreeRepositories(trx, domain, [...wanted.keys()]);
  const plain = locked.filter(({ type }) => isPlain(ctx, type));
  const added = new Map<string, Added>();
  const growths: Growth[] = [];
  for (const { repository, row } of await readStates(trx, domain, { plain, wanted })) {
    if (!isUsual(row)) continue;
    if (row.fresh === null) added.set(repository.id, { repository, announced: [] });
    else growths.push(growthOf(repository, row, row.fresh));
  }
  if (growths.length === 0) return added;
  const changes = await moveMembers(trx, domain, growths);
  checkChanges(ctx, growths, changes);
  for (const [type, drafts] of Map.groupBy(growths, ({ repository }) => repository.type)) {
    await ctx.plugins.repositoryType(type).finalizeAdditions?.(trx, drafts);
  }
  const events = await publishAll(trx, domain, { growths, changes });
  for (const growth of growths) added.set(growth.repository.id, addedOf(ctx, growth, events));
  return added;
}

type Wanted = ReadonlyMap<string, readonly string[]>;

/** Whether versions of the type are rows and nothing else: no admission, no paths, no follow-up. */
function isPlain({ plugins }: Ctx, name: string): boolean {
  const type = plugins.repositoryType(name);
  if (!type.finalizeAdditions || type.admit || type.onNewVersion) return false;
  return type.contentTypes.every((each) => !plugins.contentType(each).slotIsPath);
}

interface StateRow {
  readonly repository: number;
  readonly counts: VersionCounts | null;
  /** A task fills the next version, or has left it. */
  readonly is_open: boolean;
  readonly lacks_units: boolean;
  readonly has_duplicates: boolean;
  /** Units that are no members yet. */
  readonly fresh: readonly string[] | null;
}

const isUsual = ({ counts, is_open, lacks_units, has_duplicates }: StateRow): boolean =>
  counts !== null && !is_open && !lacks_units && !has_duplicates;

const growthOf = (
  repository: RepositoryFacts,
  { counts }: StateRow,
  add: readonly string[],
): Growth => ({
  ...{ repository, add, before: counts ?? {} },
  ...{ versionId: uuid7(), n: repository.nextVersion },
});

interface Candidates {
  readonly plain: readonly RepositoryFacts[];
  readonly wanted: Wanted;
}

/** Looks at the repositories, and holds the units against clean-up. */
async function readStates(trx: Trx, domain: DomainRef, { plain, wanted }: Candidates) {
  if (plain.length === 0) return [];
  const asked = plain.flatMap(({ id, num }) =>
    (wanted.get(id) ?? []).map((unit) => ({ num, unit })),
  );
  const units = [...new Set(asked.map(({ unit }) => unit))].sort();
  const { rows } = await sql<StateRow>`${prepared(asked.length)}
    with held as materialized (
      select c.id, c.slot from unnest(${units}::uuid[]) as u (id)
      cross join lateral (select id, slot from content
        where domain = ${domain.num} and id = u.id offset 0 for key share) c),
    asked as materialized (
      select a.repository, a.id, exists (
        select from membership m where m.repository = a.repository and m.content = a.id
          and m.removed = ${OPEN}) as is_member
      from (select distinct * from unnest(${asked.map(({ num }) => num)}::int[],
        ${asked.map(({ unit }) => unit)}::uuid[]) as u (repository, id)) a)
    select a.repository,
      (select v.counts from repository_version v where v.repository = a.repository and v.complete
        order by v.number desc limit 1) as counts,
      exists (select from repository_version v
        where v.repository = a.repository and not v.complete) as is_open,
      bool_or(h.id is null) as lacks_units,
      count(h.slot) > count(distinct h.slot) as has_duplicates,
      array_agg(a.id) filter (where not a.is_member) as fresh
    from asked a left join held h on h.id = a.id group by a.repository`.execute(trx);
  const byNum = new Map(rows.map((row) => [row.repository, row]));
  return plain.flatMap((repository) => {
    const row = byNum.get(repository.num);
    return row ? [{ repository, row }] : [];
  });
}

interface MovedRow {
  readonly repository: number;
  readonly type: string;
  readonly added: number;
  readonly removed: number;
}

/**
 * Ends the members whose slots are taken, then adds the new ones. Each slot is looked up by itself: a
 * join, planned without statistics, reads all members.
 *
 * @returns by `repository.num`
 */
async function moveMembers(
  trx: Trx,
  domain: DomainRef,
  growths: readonly Growth[],
): Promise<Map<number, readonly MovedRow[]>> {
  const fresh = growths.flatMap(({ repository: { num }, n, add }) =>
    add.map((unit) => ({ num, n, unit })),
  );
  const { rows } = await sql<MovedRow>`${prepared(fresh.length)}
    with fresh as materialized (
      select u.repository, u.n, c.id, c.type, c.slot
      from unnest(${fresh.map(({ num }) => num)}::int[], ${fresh.map(({ n }) => n)}::int[],
        ${fresh.map(({ unit }) => unit)}::uuid[]) as u (repository, n, id)
      cross join lateral (select id, type, slot from content
        where domain = ${domain.num} and id = u.id offset 0) c),
    going as materialized (
      select f.repository, f.n, m.content, m.added from fresh f
      cross join lateral (select content, added from membership
        where repository = f.repository and slot = f.slot and removed = ${OPEN} offset 0) m),
    closed as (
      update membership m set removed = g.n from going g
      where m.repository = g.repository and m.content = g.content and m.added = g.added
      returning m.repository, m.type),
    made as (
      insert into membership (repository, added, domain, type, slot, content)
      select repository, n, ${domain.num}::int, type, slot, id from fresh
      where (select count(*) from closed) >= 0
      order by repository, id
      returning repository, type)
    select c.repository, t.name as type, sum(c.added)::int as added, sum(c.removed)::int as removed
    from (select repository, type, 1 as added, 0 as removed from made
      union all select repository, type, 0, 1 from closed) c
    join content_type t on t.num = c.type
    group by c.repository, t.name order by c.repository, t.name`.execute(trx);
  return Map.groupBy(rows, ({ repository }) => repository);
}

/** The same rules as for every version; the units were held, so all of them were added. */
function checkChanges(
  { plugins }: Ctx,
  growths: readonly Growth[],
  changes: ReadonlyMap<number, readonly TypeChange[]>,
): void {
  for (const { repository, add } of growths) {
    const change = changes.get(repository.num) ?? [];
    const { contentTypes } = plugins.repositoryType(repository.type);
    const unsupported = change.filter(
      ({ type, added }) => added > 0 && !contentTypes.includes(type),
    );
    if (unsupported.length > 0) {
      throw repositoryErrors.unsupported(unsupported.map(({ type }) => type));
    }
    const made = change.reduce((sum, { added }) => sum + added, 0);
    if (made !== add.length) throw repositoryErrors.missingUnits(add);
  }
}

interface Finished {
  readonly growths: readonly Growth[];
  readonly changes: ReadonlyMap<number, readonly TypeChange[]>;
}

interface EventRow {
  readonly repository: string;
  readonly distribution: string;
}

/** The versions become visible, and the distributions of their repositories are told. */
async function publishAll(
  trx: Trx,
  domain: DomainRef,
  { growths, changes }: Finished,
): Promise<Map<string, readonly EventRow[]>> {
  const counts = growths.map(({ before, repository }) =>
    JSON.stringify(countsAfter(before, changes.get(repository.num) ?? [])),
  );
  const { rows } = await sql<EventRow>`${prepared(growths.length)}
    with change as materialized (
      select * from unnest(${growths.map(({ repository }) => repository.num)}::int[],
        ${growths.map(({ n }) => n)}::int[], ${growths.map(({ versionId }) => versionId)}::uuid[],
        ${counts}::text[]) as c (repository, n, version, counts)),
    completed as (
      insert into repository_version (id, domain, repository, number, complete, counts)
      select version, ${domain.num}::int, repository, n, true, counts::jsonb from change),
    stepped as (
      update repository r set next_version = c.n + 1, updated = clock_timestamp()
      from change c where r.num = c.repository),
    told as materialized (
      select d.id, d.repository
      from unnest(${growths.map(({ repository }) => repository.id)}::uuid[]) as r (id)
      cross join lateral (select id, repository from distribution
        where domain = ${domain.num} and repository = r.id offset 0) d),
    events as (
      insert into distribution_event (domain, distribution) select ${domain.num}::int, id from told)
    select repository, id as distribution from told`.execute(trx);
  return Map.groupBy(rows, ({ repository }) => repository);
}

function addedOf(
  ctx: Ctx,
  { repository, versionId, n }: Growth,
  events: ReadonlyMap<string, readonly EventRow[]>,
): Added {
  const created = createdVersion(ctx, { repository, versionId, n });
  return {
    repository,
    version: { id: versionId, number: n, repository },
    ...(repository.isHidden ? {} : { created }),
    announced: (events.get(repository.id) ?? []).map(({ distribution }) => distribution),
  };
}
