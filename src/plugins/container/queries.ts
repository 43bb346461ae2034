import { type DomainRef, type Executor, sql } from "#sdk";

/** Units of a domain by digest; which repository has them is not asked. */

/** `content.id`s by digest. */
export async function knownDigests(
  db: Executor,
  domain: DomainRef,
  {
    table,
    digests,
  }: {
    readonly table: "container_blob" | "container_manifest";
    readonly digests: readonly string[];
  },
): Promise<Map<string, string>> {
  const { rows } = await sql<{ id: string; digest: string }>`
    select id, digest from ${sql.table(table)}
    where domain = ${domain.num} and digest = any(${digests}::text[])`.execute(db);
  return new Map(rows.map(({ id, digest }) => [digest, id]));
}

export interface StoredBlob {
  /** `content.id` */
  readonly id: string;
  readonly artifact: string;
  readonly sizeBytes: number;
}

/** Blobs whose bytes are here, by digest. */
export async function storedBlobs(
  db: Executor,
  domain: DomainRef,
  digests: readonly string[],
): Promise<Map<string, StoredBlob>> {
  const { rows } = await sql<StoredBlob & { digest: string }>`
    select b.id, b.digest, a.id as artifact, a.size as "sizeBytes"
    from container_blob b
    join content_artifact f on f.domain = b.domain and f.content = b.id
    join artifact a on a.domain = f.domain and a.id = f.artifact
    where b.domain = ${domain.num} and b.digest = any(${digests}::text[])`.execute(db);
  return new Map(rows.map(({ digest, ...blob }) => [digest, blob]));
}

/** Something that a repository has. */
export interface Present {
  /** `content.id` */
  readonly id: string;
  readonly kind: "blob" | "manifest";
  /** Uploaded, and in no version yet (plugin-container §10.2). */
  readonly isPending: boolean;
}

/** Blobs and manifests of the latest version and of what is pending, by digest. */
export async function presentDigests(
  db: Executor,
  repository: { readonly id: string; readonly domain: number },
  digests: readonly string[],
): Promise<Map<string, Present>> {
  const { rows } = await sql<Present & { digest: string }>`
    with repo as materialized (
      select r.num, r.id, (select max(v.number) from repository_version v
        where v.repository = r.num and v.complete) as number
      from repository r where r.domain = ${repository.domain} and r.id = ${repository.id}),
    named as materialized (
      select id, digest, 'blob' as kind from container_blob
      where domain = ${repository.domain} and digest = any(${digests}::text[])
      union all
      select id, digest, 'manifest' from container_manifest
      where domain = ${repository.domain} and digest = any(${digests}::text[])),
    found as (
      select n.*, exists (select from membership m where m.repository = repo.num
          and m.content = n.id and m.added <= repo.number and m.removed > repo.number) as is_member,
        exists (select from container_pending p
          where p.repository = repo.id and p.content = n.id) as is_pending
      from named n, repo)
    select id, digest, kind, not is_member as "isPending" from found
    where is_member or is_pending`.execute(db);
  return new Map(rows.map(({ digest, ...present }) => [digest, present]));
}
