import { type Executor, sql } from "#sdk";

/** Sees the units of one domain. */
export interface Units {
  /** `domain.num` */
  readonly domain: number;
  /** `content.id`s */
  readonly units: readonly string[];
}

/**
 * The units and all that they need, as far as the domain has it: the manifests of tags, the children
 * of indexes, the configuration and the layers of images (plugin-container §4.1).
 */
export async function withNeeds(db: Executor, { domain, units }: Units): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    with recursive manifests (id) as (
      (select id from container_manifest where domain = ${domain} and id = any(${units}::uuid[])
        union select manifest from container_tag
          where domain = ${domain} and id = any(${units}::uuid[]))
      union
      select c.id from manifests m
      join container_reference r on r.domain = ${domain} and r.manifest = m.id and r.kind = 'child'
      join container_manifest c on c.domain = r.domain and c.digest = r.digest)
    select id from manifests
    union select id from unnest(${units}::uuid[]) as u (id)
    union select b.id from manifests m
      join container_reference r on r.domain = ${domain} and r.manifest = m.id and r.kind <> 'child'
      join container_blob b on b.domain = r.domain and b.digest = r.digest`.execute(db);
  return rows.map(({ id }) => id);
}

/** Units of a version: `repository.num` and the number of the version. */
export interface Source {
  readonly domain: number;
  readonly repository: number;
  readonly number: number;
}

const isMember = (source: Source, unit: string) => sql`exists (
  select from membership m where m.repository = ${source.repository} and m.content = ${sql.ref(unit)}
    and m.added <= ${source.number} and m.removed > ${source.number})`;

/** Tags of a version; without names all. */
export async function tagsOf(
  db: Executor,
  source: Source,
  names: readonly string[] | null,
): Promise<string[]> {
  const wanted = names === null ? sql`true` : sql`t.name = any(${names}::text[])`;
  const { rows } = await sql<{ id: string }>`
    select t.id from container_tag t
    where t.domain = ${source.domain} and ${wanted} and ${isMember(source, "t.id")}`.execute(db);
  return rows.map(({ id }) => id);
}

export interface ManifestFilter {
  /** Null takes all. */
  readonly digests: readonly string[] | null;
  readonly mediaTypes: readonly string[] | null;
}

/** Manifests of a version. */
export async function manifestsOf(
  db: Executor,
  source: Source,
  { digests, mediaTypes }: ManifestFilter,
): Promise<string[]> {
  const byDigest = digests === null ? sql`true` : sql`c.digest = any(${digests}::text[])`;
  const byType = mediaTypes === null ? sql`true` : sql`c.media_type = any(${mediaTypes}::text[])`;
  const { rows } = await sql<{ id: string }>`
    select c.id from container_manifest c
    where c.domain = ${source.domain} and ${byDigest} and ${byType}
      and ${isMember(source, "c.id")}`.execute(db);
  return rows.map(({ id }) => id);
}
