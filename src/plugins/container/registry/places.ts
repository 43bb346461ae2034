import { PREPARE } from "#base/prepare.ts";
import { type Ctx, flights } from "#sdk";
import type { RepositoryName } from "./address.ts";
import type { ServedDomain } from "./visit.ts";

/** What a name leads to: a distribution and what it serves (plugin-container §7.2). */
export interface Place {
  readonly domain: ServedDomain;
  readonly basePath: string;
  /** As clients write it. */
  readonly name: string;
  readonly distribution: string;
  readonly isPrivate: boolean;
  readonly namespace: { readonly id: string; readonly name: string };
  /** The pull-through distribution that made it. */
  readonly pullThrough: string | null;
  /** The content guard of the distribution, which stands before the content app. */
  readonly guard: { readonly id: string; readonly type: string } | null;
  /** Of the distribution: that of a cache. */
  readonly remote: string | null;
  /** What pushes go to; null where a fixed version, or nothing, is served. */
  readonly repository: ServedRepository | null;
  /** What is served; null where the distribution has no source. */
  readonly version: ServedVersion | null;
  /** Lowest transaction that the reading snapshot may not have seen. */
  readonly xmin: string;
}

export interface ServedRepository {
  readonly id: string;
  readonly num: number;
  /** `container.container` */
  readonly type: string;
}

export interface ServedVersion {
  readonly id: string;
  /** `repository.num` */
  readonly repository: number;
  readonly number: number;
}

interface PlaceRow {
  readonly domain: number;
  readonly domain_id: string;
  readonly domain_name: string;
  readonly redirects: boolean;
  readonly hides_guarded: boolean;
  readonly id: string;
  readonly base_path: string;
  readonly private: boolean;
  readonly namespace: string;
  readonly namespace_name: string;
  readonly pull_through: string | null;
  readonly remote: string | null;
  readonly guard: string | null;
  readonly guard_type: string | null;
  readonly repository: string | null;
  readonly repository_num: number | null;
  readonly repository_type: string | null;
  readonly version: string | null;
  readonly version_repository: number | null;
  readonly number: number | null;
  readonly xmin: string;
}

const PLACE = `
select d.num as domain, d.id as domain_id, d.name as domain_name,
  d.redirect_to_object_storage as redirects, d.hide_guarded_distributions as hides_guarded,
  x.id, x.base_path, c.private, c.namespace, n.name as namespace_name, c.pull_through, x.remote,
  x.guard, g.type as guard_type,
  r.id as repository, r.num as repository_num, r.type as repository_type,
  v.id as version, v.repository as version_repository, v.number,
  pg_snapshot_xmin(pg_current_snapshot())::text as xmin
from domain d
join distribution x on x.domain = d.num and x.type = 'container.container'
join container_distribution c on c.domain = x.domain and c.id = x.id
join container_namespace n on n.id = c.namespace
left join content_guard g on g.id = x.guard
left join repository r on r.domain = x.domain and r.id = x.repository
left join lateral (
  (select v.id, v.repository, v.number from repository_version v
    where v.repository = r.num and v.complete order by v.number desc limit 1)
  union all
  (select v.id, v.repository, v.number from repository_version v
    where r.id is null and v.id = x.version and v.complete)
  limit 1) v on true`;

/** Of many tables, so that it is planned once and not for every name: a flight of one statement. */
const BY_NAME = `${PREPARE}
select k.at, p.* from unnest($1::text[], $2::text[]) with ordinality as k (domain_name, base_path, at)
cross join lateral (
  ${PLACE} where d.name = k.domain_name and x.base_path = k.base_path offset 0) p`;

/** Names as clients write them, in the order of their bytes. */
const NAME = `case when $1 then d.name || '/' || x.base_path else x.base_path end collate "C"`;

const afterName = {
  name: "registry places after name",
  text: `${PLACE} where (${NAME}) > $2::text order by (${NAME}) limit $3`,
};

const holders = {
  name: "registry places with a blob",
  text: `
with blob as (select id from container_blob where domain = $1 and digest = $2),
holding as (
  select r.id from blob b join membership m on m.domain = $1 and m.content = b.id
    join repository r on r.num = m.repository where m.removed = 2147483647
  union
  select p.repository from blob b
    join container_pending p on p.domain = $1 and p.content = b.id)
${PLACE} where d.num = $1 and x.repository in (select id from holding) order by x.id limit $3`,
};

/** Repositories that are asked whether the caller may pull from them. */
const MOST_HOLDERS = 100;

/** Repositories of the domain that have a blob now. */
export async function placesWithBlob(
  ctx: Pick<Ctx, "hot" | "settings">,
  { num }: { readonly num: number },
  digest: string,
): Promise<readonly Place[]> {
  const rows = await ctx.hot.query<PlaceRow>(holders, [num, digest, MOST_HOLDERS]);
  return rows.map((row) => placeOf(row, ctx.settings.DOMAIN_ENABLED));
}

const askTogether = flights.together<RepositoryName, Place | undefined>(async (ctx, names) => {
  const values = [names.map(({ domain }) => domain), names.map(({ basePath }) => basePath)];
  const [rows = []] = await ctx.hot.inOneFlight([{ text: BY_NAME, values }]);
  const places = new Map(
    (rows as readonly (PlaceRow & { readonly at: number })[]).map((row) => [
      Number(row.at),
      placeOf(row, ctx.settings.DOMAIN_ENABLED),
    ]),
  );
  return names.map((_, index) => places.get(index + 1));
});

/** What there is of a name; requests that ask at the same time share a statement. */
export const placeByName = (ctx: Ctx, name: RepositoryName): Promise<Place | undefined> =>
  askTogether(ctx, name);

/** The repositories of all domains whose names come after this one, in order. */
export async function placesAfter(
  ctx: Pick<Ctx, "hot" | "settings">,
  name: string,
  limit: number,
): Promise<readonly Place[]> {
  const hasDomains = ctx.settings.DOMAIN_ENABLED;
  const rows = await ctx.hot.query<PlaceRow>(afterName, [hasDomains, name, limit]);
  return rows.map((row) => placeOf(row, hasDomains));
}

function placeOf(row: PlaceRow, hasDomains: boolean): Place {
  const { repository: id, repository_num: num, repository_type: type, version, number } = row;
  const { version_repository: of } = row;
  return {
    domain: {
      num: row.domain,
      id: row.domain_id,
      name: row.domain_name,
      redirectsToStore: row.redirects,
      hidesGuarded: row.hides_guarded,
    },
    basePath: row.base_path,
    name: hasDomains ? `${row.domain_name}/${row.base_path}` : row.base_path,
    distribution: row.id,
    isPrivate: row.private,
    namespace: { id: row.namespace, name: row.namespace_name },
    pullThrough: row.pull_through,
    guard:
      row.guard === null || row.guard_type === null
        ? null
        : { id: row.guard, type: row.guard_type },
    remote: row.remote,
    repository: id === null || num === null || type === null ? null : { id, num, type },
    version:
      version === null || number === null || of === null
        ? null
        : { id: version, repository: of, number },
    xmin: row.xmin,
  };
}

/** Its own name: a request may have come to it by another one (`?ns=`). */
export const nameOf = ({ name, domain, basePath }: Place): RepositoryName => ({
  full: name,
  domain: domain.name,
  basePath,
});

/** Whether both lead to the same content; what waits for a version is asked for anyway. */
export const isSame = (a: Place, b: Place): boolean =>
  a.version?.id === b.version?.id && a.repository?.id === b.repository?.id;
