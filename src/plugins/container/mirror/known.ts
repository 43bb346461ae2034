import type { DomainRef, Executor } from "#sdk";
import { sql } from "#sdk";
import { DOCKER_LIST, OCI_INDEX } from "../format/media-types.ts";
import type { CurrentVersion } from "./options.ts";

/** What a manifest needs to count as complete: depends on how its layers are mirrored. */
export interface Completeness {
  readonly version: CurrentVersion;
  /** `remote.id` */
  readonly remote: string;
  readonly isDeferred: boolean;
}

const FOREIGN =
  "^application/vnd\\.(docker\\.image\\.rootfs\\.foreign\\.diff\\.tar\\.gzip|oci\\.image\\.layer\\.nondistributable\\..*)$";

const members = ({ repository, number }: CurrentVersion, content: string) => sql`
  exists (select from membership m where m.repository = ${repository}
    and m.content = ${sql.ref(content)} and m.added <= ${number} and m.removed > ${number})`;

/**
 * Images that the version has with everything they need, so that nothing about them has to be asked:
 * digest → `content.id`.
 */
export async function settledImages(
  db: Executor,
  { version, remote, isDeferred }: Completeness,
  digests: readonly string[],
): Promise<Map<string, string>> {
  const { domain } = version;
  const { rows } = await sql<{ digest: string; id: string }>`
    select i.digest, i.id from container_manifest i
    where i.domain = ${domain.num} and i.digest = any(${digests}::text[])
      and i.media_type <> all(${[DOCKER_LIST, OCI_INDEX]}::text[])
      and ${members(version, "i.id")}
      and not exists (
        select from container_reference r
        where r.domain = i.domain and r.manifest = i.id and r.media_type !~ ${FOREIGN}
          and not exists (
            select from container_blob b
            join content_artifact f on f.domain = b.domain and f.content = b.id
            where b.domain = r.domain and b.digest = r.digest and ${members(version, "b.id")}
              and (f.artifact is not null or (${isDeferred}::boolean and r.kind = 'layer' and exists (
                select from remote_artifact a
                where a.content_artifact = f.id and a.remote = ${remote})))))`.execute(db);
  return new Map(rows.map(({ digest, id }) => [digest, id]));
}

export interface KnownManifest {
  /** `content.id` */
  readonly id: string;
  readonly mediaType: string;
  /** Null if the others of this question are already so large that it has to wait. */
  readonly body: Buffer | null;
}

/** Manifests of the domain by digest, with bodies of at most `mostBytes` together, but one at least. */
export async function knownManifests(
  db: Executor,
  domain: DomainRef,
  { digests, mostBytes }: { readonly digests: readonly string[]; readonly mostBytes: number },
): Promise<Map<string, KnownManifest>> {
  if (digests.length === 0) return new Map();
  const { rows } = await sql<KnownManifest & { readonly digest: string }>`
    with found as (
      select id, digest, media_type, sum(size) over sofar as total, row_number() over sofar as n
      from container_manifest where domain = ${domain.num} and digest = any(${digests}::text[])
      window sofar as (order by digest rows unbounded preceding))
    select f.id, f.digest, f.media_type as "mediaType", m.body from found f
    left join container_manifest m on m.domain = ${domain.num} and m.id = f.id
      and (f.total <= ${mostBytes} or f.n = 1)`.execute(db);
  return new Map(rows.map(({ digest, ...known }) => [digest, known]));
}

/**
 * The members below some manifests of the version: blobs, children and their blobs, and signatures.
 *
 * @param manifests `content.id`s
 */
export async function membersBelow(
  db: Executor,
  version: CurrentVersion,
  manifests: readonly string[],
): Promise<string[]> {
  const domain = version.domain.num;
  const { rows } = await sql<{ id: string }>`
    with recursive reached (id) as (
      select id from unnest(${manifests}::uuid[]) as roots (id)
      union
      select c.id from reached p
      join container_reference r on r.domain = ${domain} and r.manifest = p.id and r.kind = 'child'
      join container_manifest c on c.domain = r.domain and c.digest = r.digest),
    named (id) as (
      select id from reached
      union
      select b.id from reached p
      join container_reference r on r.domain = ${domain} and r.manifest = p.id
      join container_blob b on b.domain = r.domain and b.digest = r.digest)
    select n.id from named n where ${members(version, "n.id")}`.execute(db);
  return rows.map(({ id }) => id);
}

/** Tags of the version: those of some names with what they point at. */
export async function taggedMembers(
  db: Executor,
  version: CurrentVersion,
  names: readonly string[],
): Promise<readonly { readonly tag: string; readonly manifest: string }[]> {
  const { rows } = await sql<{ tag: string; manifest: string }>`
    select t.id as tag, t.manifest from container_tag t
    where t.domain = ${version.domain.num} and t.name = any(${names}::text[])
      and ${members(version, "t.id")}`.execute(db);
  return rows;
}
