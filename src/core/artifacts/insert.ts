import { type RawBuilder, sql } from "kysely";
import type { Algorithm } from "#base/digests.ts";
import { uuid7 } from "#base/uuid7.ts";
import type { SealedFile } from "#platform/storage/storage.ts";
import type { DomainRef, Executor } from "../ctx.ts";
import { prepared } from "../prepared.ts";
import { newReason } from "./intents.ts";
import { bytesOf } from "./queries.ts";

const DIGEST_COLUMNS = ["md5", "sha1", "sha224", "sha384", "sha512"] as const;

/** An object in its place whose announcement says under which reason it was placed. */
export interface Announcement {
  readonly sealed: SealedFile;
  readonly sha256: string;
  readonly object: string;
  readonly reason: string;
}

/**
 * Inserts the rows of those objects whose announcement still stands, and takes it back. What is not
 * in the result was stored by somebody else or has to be placed again: the next round finds out. An
 * announcement goes only with a row that cannot be removed before: whoever removes it finds none then, and
 * makes one.
 *
 * @returns ids of new rows by digest.
 */
export async function insertArtifacts(
  db: Executor,
  domain: DomainRef,
  { files, epoch }: { readonly files: readonly Announcement[]; readonly epoch: number | undefined },
): Promise<Map<string, string>> {
  if (files.length === 0) return new Map();
  const withIds = files.map((file) => ({ ...file, id: uuid7() }));
  const { rows } = await artifactInsert(domain, { files: withIds, epoch }).execute(db);
  return new Map(rows.map(({ id, sha256 }) => [sha256.toString("hex"), id]));
}

/** An announced object with the `artifact.id` that it gets. */
export type NewArtifact = Announcement & { readonly id: string };

/** The statement of `insertArtifacts`. */
export function artifactInsert(
  domain: DomainRef,
  { files, epoch }: { readonly files: readonly NewArtifact[]; readonly epoch: number | undefined },
): RawBuilder<{ id: string; sha256: Buffer }> {
  const digests = DIGEST_COLUMNS.map((name) => digestColumn(files, name));
  const [md5, sha1, sha224, sha384, sha512] = digests;
  return sql<{ id: string; sha256: Buffer }>`${prepared(files.length)}
    with wanted as materialized (
      select * from unnest(${files.map(({ id }) => id)}::uuid[],
        ${bytesOf(files.map(({ sha256 }) => sha256))}::bytea[],
        ${files.map(({ sealed }) => sealed.sizeBytes)}::bigint[],
        ${files.map(({ object }) => object)}::text[], ${files.map(({ reason }) => reason)}::text[],
        ${md5}::bytea[], ${sha1}::bytea[], ${sha224}::bytea[], ${sha384}::bytea[], ${sha512}::bytea[])
        as w (id, sha256, size, object, reason, md5, sha1, sha224, sha384, sha512)
    ), held as materialized (
      select i.object from (select object, reason from wanted order by object) w
      cross join lateral (
        select object from storage_intent
        where domain = ${domain.num} and object = w.object and reason = w.reason
          ${inSameStore(domain, epoch)}
        offset 0 for update) i
    ), stored as materialized (
      select a.id, a.file, w.object from wanted w
      cross join lateral (
        select id, file from artifact where domain = ${domain.num} and sha256 = w.sha256
        offset 0 for no key update) a
      where w.object in (select object from held)
    ), legacy as materialized (
      select id, file from stored where file is not null
    ), renamed as (
      update artifact a set file = null, updated = clock_timestamp() from legacy l
      where a.domain = ${domain.num} and a.id = l.id
    ), dropped as (
      insert into storage_intent (domain, object, reason, not_before)
      select ${domain.num}, file, ${newReason("delete")}, clock_timestamp() from legacy
      on conflict do nothing
    ), made as (
      insert into artifact (id, domain, sha256, size)
      select w.id, ${domain.num}, w.sha256, w.size from wanted w
      where w.object in (select object from held) order by w.sha256
      on conflict on constraint artifact_one_per_digest do nothing
      returning id, sha256, size
    ), digests as (
      insert into artifact_digest (domain, artifact, md5, sha1, sha224, sha384, sha512)
      select ${domain.num}, w.id, w.md5, w.sha1, w.sha224, w.sha384, w.sha512
      from wanted w join made m on m.id = w.id
      where num_nonnulls(w.md5, w.sha1, w.sha224, w.sha384, w.sha512) > 0
    ), used as (
      insert into domain_usage as u (domain, bytes, artifacts)
      select ${domain.num}, sum(size), count(*) from made having count(*) > 0
      on conflict (domain) do update
        set bytes = u.bytes + excluded.bytes, artifacts = u.artifacts + excluded.artifacts
    ), settled as (
      delete from storage_intent where domain = ${domain.num} and object = any(array(
        select object from wanted where id in (select id from made)
        union all select object from stored))
    )
    select id, sha256 from made`;
}

/** A condition that waits for whoever is changing the domain's store, and fails if that happened. */
export const inSameStore = (domain: DomainRef, epoch: number | undefined) =>
  epoch === undefined
    ? sql``
    : sql`and exists (select from (
        select from domain where num = ${domain.num} and storage_epoch = ${epoch} for share) same)`;

const digestColumn = (files: readonly Announcement[], name: Algorithm): (Buffer | null)[] =>
  files.map(({ sealed }) => {
    const digest = sealed.digests[name];
    return digest === undefined ? null : Buffer.from(digest, "hex");
  });
