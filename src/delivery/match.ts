import { pathPrefixes } from "#base/paths.ts";
import type { Ctx } from "#core/ctx.ts";
import type { HotStatement } from "#platform/db/hot.ts";
import { checkpointMoment } from "./checkpoint-moment.ts";
import type { Match, PullRemote } from "./contract.ts";
import { isShared } from "./shared-cache.ts";

/** Longest base path that can exist, in characters. */
const MAX_BASE_PATH = 2048;

/** What a path leads to before anything below a distribution is asked. */
export type Matched =
  | {
      readonly kind: "distribution";
      readonly match: Match;
      /** It holds for every path below the base path. */
      readonly isGeneral: boolean;
    }
  /** No distribution, but some lie below the path as a directory; true for the root. */
  | { readonly kind: "above"; readonly domain: Match["domain"] }
  | { readonly kind: "none" };

export interface MatchQuery {
  /** Domain by name. */
  readonly domain: string;
  /** Canonical path below the domain. */
  readonly path: string;
  /** Types whose distributions serve publications. */
  readonly publicationTypes: readonly string[];
  /** Types whose distributions listings do not name. */
  readonly unlisted: readonly string[];
}

/** Finds the distribution of a path and what it serves, in one statement (data-model §7). */
export async function matchDistribution(ctx: Ctx, query: MatchQuery): Promise<Matched> {
  const [row] = await ctx.hot.query(MATCH, parameters(ctx, query));
  if (!row) return { kind: "none" };
  const domain = {
    num: row.domain,
    id: row.domain_id,
    name: row.domain_name,
    redirectsToStore: row.redirect_to_object_storage,
    hidesGuarded: row.hides_guarded,
  };
  if (row.id !== null) {
    const isGeneral = !row.checkpoint && !row.has_below;
    return { kind: "distribution", match: toMatch(row, domain), isGeneral };
  }
  return query.path === "" || row.has_below ? { kind: "above", domain } : { kind: "none" };
}

function parameters(ctx: Ctx, { domain, path, publicationTypes, unlisted }: MatchQuery): unknown[] {
  const prefixes = path === "" ? [] : pathPrefixes(path).filter((p) => p.length <= MAX_BASE_PATH);
  const now = ctx.clock.now();
  const moments = prefixes.map((prefix) => checkpointMoment(path.slice(prefix.length + 1), now));
  const hides = ctx.settings.HIDE_GUARDED_DISTRIBUTIONS;
  const cutoffs = moments.map((moment) => moment?.before ?? null);
  return [domain, prefixes, cutoffs, publicationTypes, path, hides, unlisted, isShared(ctx)];
}

function toMatch(row: MatchRow, domain: Match["domain"]): Match {
  const { id, type, name, base_path: basePath, checkpoint: isCheckpoint } = row;
  const { repository, version, publication } = row;
  const remote =
    row.remote === null ? null : { id: row.remote, url: row.remote_url, policy: row.remote_policy };
  const guard = row.guard === null ? null : { id: row.guard, type: row.guard_type ?? "" };
  return {
    domain,
    distribution: {
      ...{ id, type, name, basePath, isCheckpoint, repository, version, publication, remote },
      guard,
    },
    publication:
      row.served_publication === null
        ? null
        : { id: row.served_publication, layout: row.layout, created: row.publication_created },
    version:
      row.served_version === null
        ? null
        : {
            id: row.served_version,
            repository: row.repository_num,
            repositoryType: row.repository_type,
            number: row.number,
          },
    hasGrace: row.has_grace,
    xmin: row.xmin,
    epoch: row.epoch,
  };
}

/** Columns after `xmin` are null together when no distribution matches. */
interface MatchRow {
  readonly domain: number;
  readonly domain_id: string;
  readonly domain_name: string;
  readonly redirect_to_object_storage: boolean;
  readonly hides_guarded: boolean;
  readonly has_below: boolean;
  readonly xmin: string;
  readonly epoch: string | null;
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly base_path: string;
  readonly checkpoint: boolean;
  readonly repository: string | null;
  readonly version: string | null;
  readonly publication: string | null;
  readonly remote: string | null;
  readonly remote_url: string;
  readonly remote_policy: PullRemote["policy"];
  readonly guard: string | null;
  readonly guard_type: string | null;
  readonly served_publication: string | null;
  readonly layout: string;
  readonly publication_created: string;
  readonly served_version: string | null;
  readonly repository_num: number;
  readonly repository_type: string;
  readonly number: number;
  readonly has_grace: boolean;
}

/**
 * The publication of a distribution that names one, of whatever type, or the newest one of types
 * that serve publications.
 *
 * $1 domain, $2 base paths to try, $3 for each of them the end of the checkpoint second that the
 * path asks for, $4 publication-serving types, $5 path, $6 whether the default domain hides
 * guarded distributions, $7 types that are not listed, $8 whether the state of the distribution is
 * wanted: transactions may commit out of order, so it is a sum over its events. Values of which the planner could guess the share are hidden from it by a
 * select, so that one plan serves all requests.
 */
const MATCH: HotStatement<MatchRow> = {
  name: "delivery-match",
  text: `
select d.num as domain, d.id as domain_id, d.name as domain_name, d.redirect_to_object_storage,
  d.hide_guarded_distributions or (d.name = 'default' and $6) as hides_guarded,
  x.id, x.type, x.name, x.base_path, x.checkpoint, x.repository, x.version, x.publication,
  x.remote, u.url as remote_url, u.policy as remote_policy, x.guard, g.type as guard_type,
  p.id as served_publication, p.layout, p.created as publication_created,
  v.id as served_version, v.repository as repository_num, v.number, r.type as repository_type,
  x.id is not null and exists (select from distributed_publication dp
    where dp.distribution = x.id and dp.expires_at > statement_timestamp()) as has_grace,
  case when x.id is null then exists (select from distribution below
    where below.domain = d.num and below.base_path >= (select $5::text) || '/'
      and below.base_path < (select $5::text) || '0'
      and not below.hidden and below.type <> all($7::text[]) and (below.guard is null
        or not (d.hide_guarded_distributions or (d.name = 'default' and $6))))
  else exists (select from distribution nested where nested.domain = d.num
    and nested.base_path >= x.base_path || '/' and nested.base_path < x.base_path || '0')
  end as has_below,
  pg_snapshot_xmin(pg_current_snapshot())::text as xmin,
  case when $8::boolean then (select coalesce(sum(hashint8(e.xact::text::bigint)), 0)::text
    from distribution_event e where e.distribution = x.id) end as epoch
from domain d
left join lateral (
  select * from distribution where domain = d.num and base_path = any((select $2::text[])::text[])
  order by length(base_path) desc limit 1) x on true
left join content_guard g on g.id = x.guard
left join remote u on u.id = x.remote
left join lateral (
  (select p.id, p.layout, p.created, p.version from publication p
    where p.id = x.publication and p.complete)
  union all
  (select p.id, p.layout, p.created, p.version from publication p
    where p.version = x.version and p.complete order by p.created desc limit 1)
  union all
  (select p.id, p.layout, p.created, p.version
    from repository r join repository_version v on v.repository = r.num
    join publication p on p.version = v.id
    where r.id = x.repository and p.complete and not x.checkpoint
    order by v.number desc, p.created desc limit 1)
  union all
  (select p.id, p.layout, p.created, p.version
    from repository r join repository_version v on v.repository = r.num
    join publication p on p.version = v.id
    where r.id = x.repository and p.complete and p.checkpoint and x.checkpoint
      and p.created < ($3::timestamptz[])[array_position($2::text[], x.base_path::text)]
    order by p.created desc limit 1)
  limit 1) p on x.type = any($4::text[]) or x.publication is not null
left join lateral (
  (select v.id, v.repository, v.number from repository_version v
    where v.id = p.version)
  union all
  (select v.id, v.repository, v.number from repository_version v
    where p.id is null and v.id = x.version and v.complete)
  union all
  (select v.id, v.repository, v.number
    from repository r join repository_version v on v.repository = r.num
    where p.id is null and r.id = x.repository and v.complete and not x.checkpoint
    order by v.number desc limit 1)
  limit 1) v on true
left join repository r on r.num = v.repository
where d.name = $1`,
};
