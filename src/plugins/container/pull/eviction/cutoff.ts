import { type Executor, sql } from "#sdk";

/** What the caches of one pull-through distribution may keep. */
export interface Limits {
  readonly notPulledForDays: number | null;
  /** Bytes of the blobs that they hold together. */
  readonly overBytes: number | null;
}

/** A pull-through distribution. */
export interface Through {
  /** `domain.num` */
  readonly domain: number;
  /** `distribution.id` */
  readonly id: string;
}

/** When something that is to go was of use for the last time. */
export interface Cutoff {
  /** What nobody asked for since then goes; null if nothing does. */
  readonly beforeMs: number | null;
  /** What the caches hold now. */
  readonly sizeBytes: number;
}

const DAY_MS = 86_400_000;

/** What was asked for in the last hour stays however large it is: somebody is pulling it. */
const IN_USE_MS = 3_600_000;

/**
 * From which moment back things go. Blobs that several images or caches have count once, by the
 * latest use of any; so dropping what was not used since then brings the rest below the limit.
 */
export async function cutoffOf(
  db: Executor,
  through: Through,
  { limits, nowMs }: { readonly limits: Limits; readonly nowMs: number },
): Promise<Cutoff> {
  const { notPulledForDays: days, overBytes } = limits;
  const { fullMs, sizeBytes } = await fullness(db, through, overBytes);
  const moments = [
    ...(days === null ? [] : [nowMs - days * DAY_MS]),
    ...(fullMs === null ? [] : [Math.min(fullMs, nowMs - IN_USE_MS)]),
  ];
  return { beforeMs: moments.length === 0 ? null : Math.max(...moments), sizeBytes };
}

interface Fullness {
  /** Last use of the latest of what does not fit; null if everything does. */
  readonly fullMs: number | null;
  readonly sizeBytes: number;
}

/** One statement, over the members of the caches of one distribution. */
async function fullness(
  db: Executor,
  { domain, id }: Through,
  overBytes: number | null,
): Promise<Fullness> {
  const { rows } = await sql<Fullness>`
    with caches as materialized (${cachesOf({ domain, id })}),
    member as materialized (
      select k.id as repository, m.content, m.at
      from caches k join membership m on m.repository = k.num and m.removed = 2147483647),
    manifest as materialized (
      select x.repository, c.id, c.digest, greatest(x.at,
        (select max(p.pulled) from container_pull p
          where p.repository = x.repository and p.content = c.id),
        (select max(y.at) from container_tag t
          join member y on y.repository = x.repository and y.content = t.id
          where t.domain = ${domain} and t.manifest = c.id)) as at
      from member x join container_manifest c on c.domain = ${domain} and c.id = x.content),
    used as (
      select repository, id, at from manifest
      union all
      select i.repository, c.id, i.at from manifest i
      join container_reference r on r.domain = ${domain} and r.manifest = i.id and r.kind = 'child'
      join manifest c on c.repository = i.repository and c.digest = r.digest),
    blob as (
      select b.id, b.size, max(u.at) as at from used u
      join container_reference r on r.domain = ${domain} and r.manifest = u.id and r.kind <> 'child'
      join container_blob b on b.domain = r.domain and b.digest = r.digest
      where b.size is not null and exists (select from content_artifact f
        where f.domain = b.domain and f.content = b.id and f.artifact is not null)
      group by b.id, b.size),
    sum as (
      select at, sum(size) over (order by at desc rows unbounded preceding) as total,
        sum(size) over () as whole
      from blob)
    select (extract(epoch from max(at) filter (where total > ${overBytes}::bigint)) * 1000)::float8
        as "fullMs",
      coalesce(max(whole), 0)::float8 as "sizeBytes"
    from sum`.execute(db);
  return rows[0] ?? { fullMs: null, sizeBytes: 0 };
}

/** `id`, `num`, `retain_repo_versions` and `base_path` of the repositories that a pull-through distribution made. */
export const cachesOf = ({ domain, id }: Through) => sql`
  select r.id, r.num, r.retain_repo_versions, x.base_path
  from container_distribution c
  join distribution x on x.domain = c.domain and x.id = c.id
  join repository r on r.domain = x.domain and r.id = x.repository
  where c.domain = ${domain} and c.pull_through = ${id}`;
