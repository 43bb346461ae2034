import type { Ctx } from "#sdk";
import { matchesAny } from "../mirror/glob.ts";

/** A pull-through distribution that a path lies below (plugin-container §6). */
export interface PullThrough {
  /** `distribution.id` */
  readonly distribution: string;
  readonly basePath: string;
  /** `remote.id` of its pull-through remote. */
  readonly remote: string;
  /** URL of the upstream. */
  readonly url: string;
  readonly domain: { readonly num: number; readonly id: string; readonly name: string };
  /** `content_guard.id`: what it makes is guarded alike. */
  readonly guard: string | null;
  readonly includes: readonly string[] | null;
  readonly excludes: readonly string[] | null;
}

interface PullThroughRow {
  readonly id: string;
  readonly base_path: string;
  readonly remote: string;
  readonly guard: string | null;
  readonly url: string;
  readonly domain: number;
  readonly domain_id: string;
  readonly domain_name: string;
  readonly includes: readonly string[] | null;
  readonly excludes: readonly string[] | null;
}

const FROM = `
select x.id, x.base_path, x.remote, x.guard, r.url, d.num as domain, d.id as domain_id,
  d.name as domain_name, p.includes, p.excludes
from domain d
join distribution x on x.domain = d.num and x.type = 'container.pull-through'
join remote r on r.domain = x.domain and r.id = x.remote
join container_pull_through_remote p on p.domain = r.domain and p.id = r.id`;

const BELOW = {
  name: "pull-through distribution above",
  text: `${FROM} where d.name = $1 and x.base_path = any($2::text[])
order by length(x.base_path) desc limit 1`,
};

const OF_HOST = {
  name: "pull-through distributions of a domain",
  text: `${FROM} where d.name = $1 order by x.base_path`,
};

/** The one that the path lies below: the longest prefix that ends before a slash. */
export async function pullThroughAbove(
  { hot }: Pick<Ctx, "hot">,
  { domain, basePath }: { readonly domain: string; readonly basePath: string },
): Promise<PullThrough | undefined> {
  const segments = basePath.split("/");
  const prefixes = segments.slice(1).map((_, index) => segments.slice(0, index + 1).join("/"));
  if (prefixes.length === 0) return undefined;
  const [row] = await hot.query<PullThroughRow>(BELOW, [domain, prefixes]);
  return row && throughOf(row);
}

/** The one that mirrors a registry, as containerd names it in `?ns=`. */
export async function pullThroughOf(
  { hot }: Pick<Ctx, "hot">,
  { domain, host }: { readonly domain: string; readonly host: string },
): Promise<PullThrough | undefined> {
  const rows = await hot.query<PullThroughRow>(OF_HOST, [domain]);
  const wanted = registryHost(host);
  const row = rows.find(
    ({ url }) => URL.canParse(url) && registryHost(new URL(url).host) === wanted,
  );
  return row && throughOf(row);
}

/** All names of Docker Hub are one. */
function registryHost(host: string): string {
  const lower = host.toLowerCase();
  return /^(?:(?:registry|index)[^/]*\.)?docker\.io$/.test(lower) ? "docker.io" : lower;
}

/** Whether the lists of the remote let a repository of the upstream in. */
export function letsIn({ includes, excludes }: PullThrough, upstreamName: string): boolean {
  const isIncluded = !includes?.length || matchesAny(includes, upstreamName);
  return isIncluded && !matchesAny(excludes ?? [], upstreamName);
}

const throughOf = (row: PullThroughRow): PullThrough => ({
  distribution: row.id,
  basePath: row.base_path,
  remote: row.remote,
  url: row.url,
  domain: { num: row.domain, id: row.domain_id, name: row.domain_name },
  guard: row.guard,
  includes: row.includes,
  excludes: row.excludes,
});
