import { type Executor, sql } from "#sdk";
import { companionSubject } from "../../mirror/select.ts";

/** The latest version of a repository. */
export interface Latest {
  /** `domain.num` */
  readonly domain: number;
  /** `repository.num` */
  readonly repository: number;
}

/** The last version's members have no end. */
const OPEN = 2_147_483_647;

const isMember = ({ repository }: Latest, unit: string) => sql`exists (
  select from membership m where m.repository = ${repository} and m.content = ${sql.ref(unit)}
    and m.removed = ${OPEN})`;

/** Since 1970. */
export const milliseconds = (moment: string) =>
  sql`(extract(epoch from ${sql.raw(moment)}) * 1000)::float8`;

/** A manifest that goes. */
export interface GoingManifest {
  /** `content.id` */
  readonly id: string;
  readonly digest: string;
  readonly mediaType: string;
}

/**
 * Untagged manifests that nobody has pushed or pulled since a moment, that no index of the version
 * lists, and that refer to nothing in it.
 */
export async function untaggedManifests(
  db: Executor,
  latest: Latest,
  { before, most }: { readonly before: Date; readonly most: number },
): Promise<string[]> {
  const { domain, repository } = latest;
  const { rows } = await sql<{ id: string }>`
    select c.id from membership x
    join repository r on r.num = x.repository
    join container_manifest c on c.domain = x.domain and c.id = x.content
    where x.repository = ${repository} and x.removed = ${OPEN} and x.at < ${before}
      and not exists (select from container_tag t
        where t.domain = ${domain} and t.manifest = c.id and ${isMember(latest, "t.id")})
      and not exists (select from container_reference r
        where r.domain = ${domain} and r.digest = c.digest and r.kind = 'child'
          and ${isMember(latest, "r.manifest")})
      and not exists (select from container_manifest s
        where s.domain = ${domain} and s.digest = c.subject and ${isMember(latest, "s.id")})
      and not exists (select from container_pull p
        where p.repository = r.id and p.content = c.id and p.pulled >= ${before})
    order by x.at limit ${most}`.execute(db);
  return rows.map(({ id }) => id);
}

/**
 * What goes with some manifests: children of indexes, and what refers to them; but nothing that a
 * tag, an index or a referrer needs that stays, nor what refers to something that stays.
 *
 * @param seeds `content.id`s of members.
 * @param tags `content.id`s of the tags that go.
 */
export async function goingManifests(
  db: Executor,
  latest: Latest,
  { seeds, tags }: { readonly seeds: readonly string[]; readonly tags: readonly string[] },
): Promise<readonly GoingManifest[]> {
  if (seeds.length === 0) return [];
  const { domain } = latest;
  const children = sql`
    select c.id, c.digest, c.subject from container_reference r
    join container_manifest c on c.domain = r.domain and c.digest = r.digest
    where r.domain = ${domain} and r.manifest = k.id and r.kind = 'child'`;
  const referrers = sql`
    select c.id, c.digest, c.subject from container_manifest c
    where c.domain = ${domain} and c.subject = k.digest`;
  const subject = sql`
    select c.id, c.digest, c.subject from container_manifest c
    where c.domain = ${domain} and c.digest = k.subject`;
  const stays = (unit: string) => sql`${isMember(latest, unit)}
    and not exists (select from candidate o where o.id = ${sql.ref(unit)})`;
  const { rows } = await sql<GoingManifest>`
    with recursive candidate (id, digest, subject) as (
      select id, digest, subject from container_manifest
      where domain = ${domain} and id = any(${seeds}::uuid[])
      union
      select n.id, n.digest, n.subject from candidate k
      cross join lateral (${children} union all ${referrers}) n
      where ${isMember(latest, "n.id")}),
    kept (id, digest, subject) as (
      select k.id, k.digest, k.subject from candidate k
      where exists (select from container_tag t
          where t.domain = ${domain} and t.manifest = k.id and t.id <> all(${tags}::uuid[])
            and ${isMember(latest, "t.id")})
        or exists (select from container_reference r
          where r.domain = ${domain} and r.digest = k.digest and r.kind = 'child'
            and ${stays("r.manifest")})
        or exists (select from container_manifest s
          where s.domain = ${domain} and s.digest = k.subject and ${stays("s.id")})
      union
      select n.id, n.digest, n.subject from kept k
      cross join lateral (${children} union all ${referrers} union all ${subject}) n
      where exists (select from candidate o where o.id = n.id))
    select c.id, c.digest, c.media_type as "mediaType" from candidate k
    join container_manifest c on c.domain = ${domain} and c.id = k.id
    where not exists (select from kept s where s.id = k.id)
    order by c.digest`.execute(db);
  return rows;
}

/** A tag of the version. */
export interface CompanionTag {
  readonly id: string;
  readonly name: string;
  readonly manifest: string;
  readonly digest: string;
  readonly addedMs: number;
  readonly pulledMs: number | null;
}

/** Tags that say by their name that they are about one of these manifests: `sha256-<hex>.sig`. */
export async function companionTags(
  db: Executor,
  latest: Latest,
  digests: readonly string[],
): Promise<readonly CompanionTag[]> {
  const beginnings = digests.map((digest) => digest.replace(":", "-"));
  // In the order of bytes the slash is what follows the dot.
  const { rows } = await sql<CompanionTag>`
    select t.id, t.name, t.manifest, c.digest, ${milliseconds("m.at")} as "addedMs",
      (select ${milliseconds("max(p.pulled)")} from container_pull p
        where p.repository = r.id and p.content in (t.id, t.manifest)) as "pulledMs"
    from unnest(${beginnings}::text[]) as b (name)
    join container_tag t on t.domain = ${latest.domain}
      and t.name >= b.name collate "C" and t.name < (b.name || '/') collate "C"
    join container_manifest c on c.domain = t.domain and c.id = t.manifest
    join membership m on m.repository = ${latest.repository} and m.content = t.id
      and m.removed = ${OPEN}
    join repository r on r.num = m.repository`.execute(db);
  const known = new Set(digests);
  return rows.filter(({ name }) => known.has(companionSubject(name) ?? ""));
}
