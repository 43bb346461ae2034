import { sql } from "kysely";
import { crashPoint } from "#base/crash-points.ts";
import type { Algorithm } from "#base/digests.ts";
import { mapBounded } from "#base/parallel.ts";
import { uuid7 } from "#base/uuid7.ts";
import type { Ctx, DomainRef } from "../ctx.ts";
import { admitFiles } from "../scanning/commands.ts";
import { retryOnConflict } from "../transaction.ts";
import { artifactErrors } from "./errors.ts";
import { announceObjects, INTENT_TRUST_MS, newReason } from "./intents.ts";
import { bytesOf, storedArtifact } from "./queries.ts";
import { objectName } from "./rules.ts";
import { touchArtifacts } from "./touch.ts";
import type { SavedArtifact, StorableFile } from "./types.ts";

const BATCH = 2000;
const ATTEMPTS = 8;
/** Files that are placed at the same time. */
const PLACES = 8;
const DIGEST_COLUMNS = ["md5", "sha1", "sha224", "sha384", "sha512"] as const;

interface Pending extends StorableFile {
  readonly sha256: string;
  readonly object: string;
}

interface Announcement extends Pending {
  readonly reason: string;
}

interface KnownRow {
  readonly sha256: Buffer;
  readonly id: string | null;
  readonly size: number | null;
  readonly file: string | null;
  readonly is_stale: boolean | null;
  readonly reason: string | null;
}

/**
 * Makes each file an artifact of the domain, or finds the one that has its bytes (data-model §12):
 * announce, place, then one statement inserts the rows and takes the announcements back. An
 * artifact whose file is missing or of wrong size gets it back. The files stay the caller's to
 * dispose.
 *
 * @param replace puts the bytes in place even where the stored file looks right (repair).
 * @returns one entry per file, in the order given.
 */
export async function saveArtifacts(
  ctx: Ctx,
  domain: DomainRef,
  files: readonly StorableFile[],
  { replace = false }: { readonly replace?: boolean } = {},
): Promise<SavedArtifact[]> {
  await admitFiles(
    ctx,
    domain,
    files.map(({ file, sealed, what }) => ({
      ...{ file, sha256: sealed.digests.sha256, sizeBytes: sealed.sizeBytes },
      what: what ?? sealed.digests.sha256,
    })),
  );
  const saved = new Map<string, SavedArtifact>();
  const pending = distinct(domain, files);
  for (let start = 0; start < pending.length; start += BATCH) {
    const batch = pending.slice(start, start + BATCH);
    for (const one of await saveBatch(ctx, domain, { batch, replace })) saved.set(one.sha256, one);
  }
  const told = new Set<string>();
  return files.map(({ sealed }) => {
    const { sha256 } = sealed.digests;
    const one = saved.get(sha256);
    if (!one) throw new Error(`Artifact ${sha256} was not saved.`);
    const isFirst = !told.has(sha256);
    told.add(sha256);
    return isFirst ? one : { ...one, isNew: false };
  });
}

/** In the order of their digests, so that concurrent batches never wait for each other in a circle. */
function distinct(domain: DomainRef, files: readonly StorableFile[]): Pending[] {
  const byDigest = new Map(files.map((file) => [file.sealed.digests.sha256, file]));
  return [...byDigest]
    .map(([sha256, { file, sealed }]) => ({
      file,
      sealed,
      sha256,
      object: objectName(domain, sha256),
    }))
    .sort((a, b) => (a.sha256 < b.sha256 ? -1 : 1));
}

async function saveBatch(
  ctx: Ctx,
  domain: DomainRef,
  { batch, replace }: { readonly batch: readonly Pending[]; readonly replace: boolean },
): Promise<SavedArtifact[]> {
  const saved: SavedArtifact[] = [];
  let open = batch;
  let mustReplace = replace;
  for (let attempt = 0; open.length > 0; attempt += 1) {
    if (attempt === ATTEMPTS) throw artifactErrors.contended();
    const announcedAt = performance.now();
    const { present, announced } = await announce(ctx, domain, { open, mustReplace });
    saved.push(...present);
    const epoch = await ctx.storage(domain).epoch?.(attempt > 0);
    crashPoint("artifact.announced");
    await mapBounded(announced, PLACES, async ({ file, object }) => {
      await ctx.storage(domain).place(file, object);
      crashPoint("artifact.placed");
    });
    const isTimely = performance.now() - announcedAt < INTENT_TRUST_MS;
    const made = isTimely
      ? await record(ctx, domain, { files: announced, epoch })
      : new Map<string, string>();
    if (isTimely) mustReplace = false;
    crashPoint("artifact.recorded");
    saved.push(...announced.flatMap((one) => savedOf(one, made.get(one.sha256))));
    open = announced.filter(({ sha256 }) => !made.has(sha256));
  }
  return saved;
}

const savedOf = ({ sha256, sealed }: Pending, id: string | undefined): SavedArtifact[] =>
  id === undefined ? [] : [{ id, sha256, sizeBytes: sealed.sizeBytes, isNew: true }];

/** Finds what is stored and well, and announces the rest. */
async function announce(
  ctx: Ctx,
  domain: DomainRef,
  { open, mustReplace }: { readonly open: readonly Pending[]; readonly mustReplace: boolean },
): Promise<{ present: SavedArtifact[]; announced: Announcement[] }> {
  const rows = await findOrAnnounce(ctx, domain, open);
  const known = open.flatMap((one) => knownOf(domain, one, rows.get(one.sha256)));
  const checked = await mapBounded(known, PLACES, async (one) => {
    const file = mustReplace ? undefined : await ctx.storage(domain).stat(one.object);
    return { one, isWell: file?.sizeBytes === one.sizeBytes };
  });
  const well = checked.flatMap(({ one, isWell }) => (isWell ? [one] : []));
  await touchArtifacts(
    ctx.db,
    domain,
    well.flatMap(({ id, isStale }) => (isStale ? [id] : [])),
  );
  const broken = checked.flatMap(({ one, isWell }) => (isWell ? [] : [one.pending]));
  const reasons = await announceAgain(ctx, domain, broken);
  const announced = open.flatMap((one) => {
    const reason = reasons.get(one.object) ?? rows.get(one.sha256)?.reason;
    return typeof reason === "string" ? [{ ...one, reason }] : [];
  });
  const present = well.map(({ id, sha256, sizeBytes }) => ({
    id,
    sha256,
    sizeBytes,
    isNew: false,
  }));
  return { present, announced };
}

function knownOf(domain: DomainRef, pending: Pending, row: KnownRow | undefined) {
  if (!row || row.id === null || row.size === null) return [];
  const { id, sha256, size, file } = row;
  const stored = storedArtifact(domain, { id, sha256, size, file });
  return [{ ...stored, isStale: row.is_stale === true, pending }];
}

/** Rows that exist lack their file, so they were not announced with the others. */
async function announceAgain(
  ctx: Ctx,
  domain: DomainRef,
  broken: readonly Pending[],
): Promise<Map<string, string>> {
  if (broken.length === 0) return new Map();
  const objects = broken.map(({ object }) => object);
  const intents = await announceObjects(ctx.db, domain, objects);
  return new Map(intents.map(({ object, reason }) => [object, reason]));
}

async function findOrAnnounce(
  ctx: Ctx,
  domain: DomainRef,
  open: readonly Pending[],
): Promise<Map<string, KnownRow>> {
  const { rows } = await retryOnConflict(() =>
    sql<KnownRow>`
    with wanted as (
      select * from unnest(${bytesOf(open.map(({ sha256 }) => sha256))}::bytea[],
        ${open.map(({ object }) => object)}::text[]) as w (sha256, object)
    ), known as (
      select a.id, a.sha256, a.size, a.file,
        a.touched < clock_timestamp() - interval '1 hour' as is_stale
      from artifact a join wanted w on a.sha256 = w.sha256 where a.domain = ${domain.num}
    ), announced as (
      insert into storage_intent (domain, object, reason, not_before)
      select ${domain.num}, w.object, ${newReason("store")}, clock_timestamp() + interval '1 hour'
      from wanted w where not exists (select from known k where k.sha256 = w.sha256)
      order by w.object
      on conflict (domain, object) do update
        set not_before = greatest(storage_intent.not_before, excluded.not_before)
      returning object, reason
    )
    select w.sha256, k.id, k.size, k.file, k.is_stale, i.reason
    from wanted w left join known k on k.sha256 = w.sha256
      left join announced i on i.object = w.object`.execute(ctx.db),
  );
  return new Map(rows.map((row) => [row.sha256.toString("hex"), row]));
}

/**
 * Inserts the rows of those objects whose announcement still stands, and takes it back. What is not
 * in the result was stored by somebody else or has to be placed again: the next round finds out.
 *
 * @returns ids of new rows by digest.
 */
async function record(
  ctx: Ctx,
  domain: DomainRef,
  { files, epoch }: { readonly files: readonly Announcement[]; readonly epoch: number | undefined },
): Promise<Map<string, string>> {
  if (files.length === 0) return new Map();
  const digests = DIGEST_COLUMNS.map((name) => digestColumn(files, name));
  const [md5, sha1, sha224, sha384, sha512] = digests;
  const { rows } = await retryOnConflict(() =>
    sql<{ id: string; sha256: Buffer }>`
    with wanted as (
      select * from unnest(${files.map(() => uuid7())}::uuid[],
        ${bytesOf(files.map(({ sha256 }) => sha256))}::bytea[],
        ${files.map(({ sealed }) => sealed.sizeBytes)}::bigint[],
        ${files.map(({ object }) => object)}::text[], ${files.map(({ reason }) => reason)}::text[],
        ${md5}::bytea[], ${sha1}::bytea[], ${sha224}::bytea[], ${sha384}::bytea[], ${sha512}::bytea[])
        as w (id, sha256, size, object, reason, md5, sha1, sha224, sha384, sha512)
    ), held as materialized (
      select i.object from storage_intent i join wanted w on w.object = i.object
      where i.domain = ${domain.num} and i.reason = w.reason ${inSameStore(domain, epoch)}
      order by i.object for update of i
    ), legacy as materialized (
      select a.id, a.file from artifact a join wanted w on w.sha256 = a.sha256
      where a.domain = ${domain.num} and a.file is not null and w.object in (select object from held)
      for update of a
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
    ), used as (
      insert into domain_usage as u (domain, bytes, artifacts)
      select ${domain.num}, sum(size), count(*) from made having count(*) > 0
      on conflict (domain) do update
        set bytes = u.bytes + excluded.bytes, artifacts = u.artifacts + excluded.artifacts
    ), settled as (
      delete from storage_intent
      where domain = ${domain.num} and object in (select object from held)
    )
    select id, sha256 from made`.execute(ctx.db),
  );
  return new Map(rows.map(({ id, sha256 }) => [sha256.toString("hex"), id]));
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
