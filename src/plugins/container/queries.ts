import { PREPARE } from "#base/prepare.ts";
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
  const { rows } = await sql<StoredBlob & { digest: string }>`${sql.raw(PREPARE)}
    select b.id, k.digest, b.artifact, b.size as "sizeBytes" from unnest(${digests}::text[]) as k (digest)
    cross join lateral (
      select b.id, a.id as artifact, a.size
      from container_blob b
      join content_artifact f on f.domain = b.domain and f.content = b.id
      join artifact a on a.domain = f.domain and a.id = f.artifact
      where b.domain = ${domain.num} and b.digest = k.digest offset 0) b`.execute(db);
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

/** A repository, and what is asked about it. */
export interface AskedDigests {
  /** `repository.id` */
  readonly repository: string;
  readonly digests: readonly string[];
}

/** Blobs and manifests of the latest version and of what is pending, by digest. */
export async function presentDigests(
  db: Executor,
  { id, domain }: { readonly id: string; readonly domain: number },
  digests: readonly string[],
): Promise<Map<string, Present>> {
  const [present] = await presentInEach(db, domain, [{ repository: id, digests }]);
  return present ?? new Map();
}

/** The same for several repositories of a domain, in the order in which they are asked about. */
export async function presentInEach(
  db: Executor,
  domain: number,
  asked: readonly AskedDigests[],
): Promise<readonly Map<string, Present>[]> {
  const { rows } = await presentSelect(domain, asked).execute(db);
  return presentOf(rows, asked);
}

type PresentRow = Present & { readonly index: number; readonly digest: string };

/** The statement of `presentInEach`. */
export function presentSelect(domain: number, asked: readonly AskedDigests[]) {
  const pairs = asked.flatMap(({ repository, digests }, index) =>
    digests.map((digest) => ({ index, repository, digest })),
  );
  return sql<PresentRow>`${sql.raw(PREPARE)}
    with asked as materialized (
      select a.index, r.num, a.id, (select v.number from repository_version v
        where v.repository = r.num and v.complete order by v.number desc limit 1) as number
      from unnest(${asked.map((_, index) => index)}::int[],
        ${asked.map(({ repository }) => repository)}::uuid[]) as a (index, id)
      cross join lateral (
        select num from repository where domain = ${domain} and id = a.id offset 0) r),
    named as materialized (
      select w.index, n.id, w.digest, n.kind
      from unnest(${pairs.map(({ index }) => index)}::int[],
        ${pairs.map(({ digest }) => digest)}::text[]) as w (index, digest)
      cross join lateral (
        select id, 'blob' as kind from container_blob
        where domain = ${domain} and digest = w.digest
        union all
        select id, 'manifest' from container_manifest
        where domain = ${domain} and digest = w.digest
        offset 0) n),
    found as (
      select n.*, m.yes is not null as is_member, p.yes is not null as is_pending
      from named n join asked a on a.index = n.index
      left join lateral (select true as yes from membership
        where repository = a.num and content = n.id and added <= a.number and removed > a.number
        offset 0) m on true
      left join lateral (select true as yes from container_pending
        where repository = a.id and content = n.id offset 0) p on true)
    select index, id, digest, kind, not is_member as "isPending" from found
    where is_member or is_pending`;
}

/** What it has found. */
export function presentOf(
  rows: readonly unknown[],
  asked: readonly AskedDigests[],
): readonly Map<string, Present>[] {
  const found = Map.groupBy(rows as readonly PresentRow[], ({ index }) => index);
  return asked.map((_, at) => new Map((found.get(at) ?? []).map(presentEntry)));
}

const presentEntry = ({ digest, id, kind, isPending }: PresentRow): [string, Present] => [
  digest,
  { id, kind, isPending },
];
