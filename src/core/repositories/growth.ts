import { type RawBuilder, sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import type { Ctx, DomainRef } from "../ctx.ts";
import { announceContent } from "../distributions/commands.ts";
import { checked } from "../flight.ts";
import type { CreatedResource } from "../plugin-contract.ts";
import { prepared } from "../prepared.ts";
import { isOpen, type RepositoryRow, repositoryColumns, toRepository } from "./queries.ts";
import { countsAfter, type TypeChange } from "./rules.ts";
import type { VersionCounts } from "./table.ts";
import type { RepositoryFacts } from "./types.ts";
import { createdVersion } from "./versions.ts";

/**
 * Versions that add units to the latest ones of several repositories of a domain, in two flights: what
 * is there is read, and what was read is checked again under the locks of the flight that writes. It
 * fails as a whole if anything is not as it was; then `commitVersion` finds out. The caller announces
 * what is told after the commit, applies the retention of the repositories that have one, and does what
 * its `finalizeVersion` does.
 */

/** What a repository is before it grows. */
export interface GrowthBase {
  readonly repository: RepositoryFacts;
  /** Number and counts of its latest version. */
  readonly latest: number;
  readonly counts: VersionCounts;
  /** Which version of its row that is: while the row has it, nothing has come or gone. */
  readonly rowVersion: string;
}

/** A unit that becomes a member: `content.id`, and the name of its type. */
export interface NewMember {
  readonly id: string;
  readonly type: string;
}

/** A version on its way. */
export interface Growth extends GrowthBase {
  readonly versionId: string;
  readonly add: readonly NewMember[];
  /** Members whose slots are taken, by type. */
  readonly replaced: readonly TakenSlot[];
}

/** A member of the latest version in a slot that was asked about. */
export interface TakenSlot {
  readonly repository: string;
  readonly slot: string;
  readonly type: string;
}

interface BaseRow extends RepositoryRow {
  readonly latest: number | null;
  readonly counts: VersionCounts | null;
  readonly row_version: string;
}

/** Reads repositories by `repository.id`. */
const baseSelect = (domain: DomainRef, ids: readonly string[]): RawBuilder<BaseRow> =>
  sql<BaseRow>`${prepared(ids.length)}
    select r.*, v.number as latest, v.counts from unnest(${ids}::uuid[]) as k (id)
    cross join lateral (select ${repositoryColumns}, r.xmin::text as row_version from repository r
      where r.domain = ${domain.num} and r.id = k.id offset 0) r
    cross join lateral (select v.number, v.counts, v.complete from repository_version v
      where v.repository = r.num order by v.number desc limit 1) v
    where v.complete`;

/**
 * The repositories that `baseSelect` has read, by id. Left out is what is not plain: where files are
 * scanned, a task fills the next version, or a version is more than rows.
 *
 * @param seesToType whether the caller sees itself to what the types admit and do after a version.
 */
function basesOf(
  ctx: Ctx,
  rows: readonly unknown[],
  { seesToType = false }: { readonly seesToType?: boolean } = {},
): ReadonlyMap<string, GrowthBase> {
  const bases = (rows as readonly BaseRow[]).flatMap((row): GrowthBase[] => {
    const { latest, counts, row_version: rowVersion } = row;
    const repository = toRepository(row);
    if (ctx.scanner || latest === null || counts === null) return [];
    const isPlain = hasPlainVersions(ctx, repository.type, seesToType);
    return isPlain ? [{ repository, latest, counts, rowVersion }] : [];
  });
  return new Map(bases.map((base) => [base.repository.id, base]));
}

/** Whether versions of the type are rows and nothing else: no admission, no paths, no follow-up. */
function hasPlainVersions({ plugins }: Ctx, name: string, seesToType: boolean): boolean {
  const type = plugins.repositoryType(name);
  if (!seesToType && (type.admit || type.onNewVersion)) return false;
  return type.contentTypes.every((each) => !plugins.contentType(each).slotIsPath);
}

/** Which of these slots are taken. Each is looked up by itself: a join reads all members. */
const slotSelect = (
  domain: DomainRef,
  slots: readonly Omit<TakenSlot, "type">[],
): RawBuilder<TakenSlot> =>
  sql<TakenSlot>`${prepared(slots.length)}
    select s.repository, s.slot, t.name as type
    from unnest(${slots.map(({ repository }) => repository)}::uuid[],
      ${slots.map(({ slot }) => slot)}::uuid[]) as s (repository, slot)
    cross join lateral (select num from repository
      where domain = ${domain.num} and id = s.repository offset 0) r
    cross join lateral (select m.type from membership m
      where m.repository = r.num and m.slot = s.slot and ${isOpen("m")} offset 0) m
    join content_type t on t.num = m.type`;

const growthOf = (
  base: GrowthBase,
  { add, replaced }: Pick<Growth, "add" | "replaced">,
): Growth => ({ ...base, add, replaced, versionId: uuid7() });

const numberOf = ({ repository }: Growth): number => repository.nextVersion;

interface LockedRow {
  readonly row_version: string;
}

/**
 * Statements of the flight that writes: locks first, then units and whatever else is new, then these. It
 * answers which version the rows of the repositories have when they have grown.
 */
const lock = (domain: DomainRef, growths: readonly Growth[]): RawBuilder<LockedRow> => {
  const sorted = growths.toSorted((a, b) => (a.repository.id < b.repository.id ? -1 : 1));
  return sql<LockedRow>`${prepared(sorted.length)}
    with held as materialized (
      select r.num from unnest(${sorted.map(({ repository }) => repository.id)}::uuid[],
        ${sorted.map(({ rowVersion }) => rowVersion)}::text[]) as k (id, row_version)
      cross join lateral (select num from repository
        where domain = ${domain.num} and id = k.id and xmin = k.row_version::xid
        offset 0 for no key update skip locked) r)
    select ${checked(sql`(select count(*) from held) = ${sorted.length}::int`)},
      pg_current_xact_id()::xid::text as row_version`;
};

/** What `lock` has answered. */
const rowVersionOf = (rows: readonly unknown[] | undefined): string =>
  (rows as readonly LockedRow[] | undefined)?.[0]?.row_version ?? "";

/** What a repository is after it has grown. */
const grown = (growth: Growth, rowVersion: string): GrowthBase => ({
  repository: { ...growth.repository, nextVersion: numberOf(growth) + 1 },
  latest: numberOf(growth),
  counts: countsAfter(growth.counts, changesOf(growth)),
  rowVersion,
});

/** Ends the members whose slots are taken, then adds the new ones. */
const moveMembers = (domain: DomainRef, growths: readonly Growth[]): RawBuilder<unknown> => {
  const fresh = growths.flatMap((growth) =>
    growth.add.map(({ id }) => ({ num: growth.repository.num, n: numberOf(growth), id })),
  );
  const replaced = growths.reduce((sum, growth) => sum + growth.replaced.length, 0);
  return sql`${prepared(fresh.length)}
    with fresh as materialized (
      select u.repository, u.n, c.id, c.type, c.slot
      from unnest(${fresh.map(({ num }) => num)}::int[], ${fresh.map(({ n }) => n)}::int[],
        ${fresh.map(({ id }) => id)}::uuid[]) as u (repository, n, id)
      cross join lateral (select id, type, slot from content
        where domain = ${domain.num} and id = u.id offset 0) c),
    going as materialized (
      select f.repository, f.n, m.content from fresh f
      cross join lateral (select m.content from membership m
        where m.repository = f.repository and m.slot = f.slot and ${isOpen("m")} offset 0) m),
    closed as (
      update membership m set removed = g.n from going g
      where m.repository = g.repository and m.content = g.content and ${isOpen("m")}
      returning m.repository),
    made as (
      insert into membership (repository, added, domain, type, slot, content)
      select repository, n, ${domain.num}::int, type, slot, id from fresh
      where (select count(*) from closed) >= 0
      order by repository, id
      returning repository)
    select ${checked(sql`(select count(*) from closed) = ${replaced}::int
      and (select count(*) from made) = ${fresh.length}::int`)}`;
};

interface ToldRow {
  readonly repository: string;
  readonly distribution: string;
}

/**
 * The versions become visible, unless others came or went meanwhile, and the distributions of their
 * repositories are told: those are its rows.
 */
const publish = (domain: DomainRef, growths: readonly Growth[]): RawBuilder<ToldRow> => {
  const counts = growths.map((growth) =>
    JSON.stringify(countsAfter(growth.counts, changesOf(growth))),
  );
  return sql<ToldRow>`${prepared(growths.length)}
    with change as materialized (
      select * from unnest(${growths.map(({ repository }) => repository.num)}::int[],
        ${growths.map(({ latest }) => latest)}::int[], ${growths.map(numberOf)}::int[],
        ${growths.map(({ versionId }) => versionId)}::uuid[],
        ${counts}::text[]) as c (repository, latest, n, version, counts)),
    usual as materialized (
      select c.repository from change c
      cross join lateral (select v.number, v.complete from repository_version v
        where v.repository = c.repository order by v.number desc limit 1) v
      where v.complete and v.number = c.latest),
    completed as (
      insert into repository_version (id, domain, repository, number, complete, counts)
      select version, ${domain.num}::int, repository, n, true, counts::jsonb from change
      where ${checked(sql`(select count(*) from usual) = ${growths.length}::int`)} = 1),
    stepped as (
      update repository r set next_version = c.n + 1, updated = clock_timestamp()
      from change c where r.num = c.repository),
    told as materialized (
      select d.id, d.repository
      from unnest(${growths.map(({ repository }) => repository.id)}::uuid[]) as r (id)
      cross join lateral (select id, repository from distribution
        where domain = ${domain.num} and repository = r.id offset 0) d),
    events as (
      insert into distribution_event (domain, distribution, content_only)
      select ${domain.num}::int, id, true from told)
    select repository, id as distribution from told`;
};

function changesOf({ add, replaced }: Growth): readonly TypeChange[] {
  const types = new Set([...add, ...replaced].map(({ type }) => type));
  const countOf = (list: readonly { readonly type: string }[], type: string) =>
    list.filter((one) => one.type === type).length;
  return [...types].map((type) => ({
    ...{ type, added: countOf(add, type), removed: countOf(replaced, type) },
  }));
}

/** What a version that was committed is for tasks; undefined for hidden repositories. */
const createdBy = (ctx: Pick<Ctx, "plugins">, growth: Growth): CreatedResource | undefined => {
  const { repository, versionId } = growth;
  if (repository.isHidden) return undefined;
  return createdVersion(ctx, { repository, versionId, n: numberOf(growth) });
};

/** Ids of the repositories that keep only so many versions. */
const retainedBy = (growths: readonly Growth[]): Set<string> =>
  new Set(
    growths.flatMap(({ repository: { id, retainRepoVersions } }) =>
      retainRepoVersions === null ? [] : [id],
    ),
  );

/** Tells after the commit what `publish` has answered. */
const announce = (ctx: Ctx, domain: DomainRef, told: readonly unknown[]): void => {
  const ids = (told as readonly ToldRow[]).map(({ distribution }) => distribution);
  announceContent(ctx, domain, ids);
};

export const growth = {
  baseSelect,
  basesOf,
  slotSelect,
  growthOf,
  lock,
  rowVersionOf,
  grown,
  moveMembers,
  publish,
  createdBy,
  retainedBy,
  announce,
} as const;
