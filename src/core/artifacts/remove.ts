import { sql } from "kysely";
import { crashPoint } from "#base/crash-points.ts";
import { databaseFault } from "../constraints.ts";
import type { Ctx, DomainRef, Trx } from "../ctx.ts";
import { inTransaction, whereAllowed } from "../transaction.ts";
import { artifactErrors } from "./errors.ts";
import { newReason } from "./intents.ts";
import { objectName } from "./rules.ts";
import { sweepObjects } from "./sweep.ts";

/** Nothing of the core needs the artifact `a`. */
const UNUSED = sql`
  not exists (select from content_artifact c where c.domain = a.domain and c.artifact = a.id)
  and not exists (select from publication_path p where p.domain = a.domain and p.artifact = a.id)`;

/**
 * Removes an artifact that nothing uses, and its file after the commit.
 *
 * @throws `notFound` (404), `inUse` (409).
 */
export async function deleteArtifact(ctx: Ctx, domain: DomainRef, id: string): Promise<void> {
  const objects = await inTransaction(ctx, undefined, async (trx) => {
    const { rows } = await sql`
      select from artifact where domain = ${domain.num} and id = ${id} for update`.execute(trx);
    if (rows.length === 0) throw artifactErrors.notFound();
    const removed = await deleteUnused(trx, domain, [id]).catch((error) => {
      throw databaseFault(error)?.code === "23503" ? artifactErrors.inUse() : error;
    });
    if (removed.length === 0) throw artifactErrors.inUse();
    return removed;
  });
  crashPoint("artifact.deleted");
  await sweepObjects(ctx, domain, objects);
}

export interface UnusedRequest {
  /** Only these; without it, every artifact of the domain. */
  readonly ids?: readonly string[];
  /** Only artifacts that were not touched for so long. */
  readonly idleSeconds?: number;
  /** Ids after this one. */
  readonly after?: string;
  readonly limit: number;
}

export interface UnusedBatch {
  /** Artifacts that were looked at; fewer than the limit in the last batch. */
  readonly found: number;
  readonly removed: number;
  /** Greatest id that was looked at. */
  readonly last: string | undefined;
}

const FIRST_ID = "00000000-0000-0000-0000-000000000000";

/**
 * Removes one batch of artifacts that nothing uses, in two steps, so that a concurrent user either
 * is seen or finds the artifact gone (data-model §12); then their files.
 */
export async function removeUnusedArtifacts(
  ctx: Ctx,
  domain: DomainRef,
  request: UnusedRequest,
): Promise<UnusedBatch> {
  const { found, objects, last } = await inTransaction(ctx, undefined, async (trx) => {
    const ids = await lockUnused(trx, domain, request);
    const removed = ids.length === 0 ? [] : await deleteUnusedOrFew(trx, domain, ids);
    return { found: ids.length, objects: removed, last: ids.at(-1) };
  });
  crashPoint("artifacts.deleted");
  await sweepObjects(ctx, domain, objects);
  return { found, removed: objects.length, last };
}

async function lockUnused(
  trx: Trx,
  domain: DomainRef,
  { ids, idleSeconds, after = FIRST_ID, limit }: UnusedRequest,
): Promise<string[]> {
  const among = ids === undefined ? sql`` : sql`and a.id = any(${ids}::uuid[])`;
  const idle =
    idleSeconds === undefined
      ? sql``
      : sql`and a.touched <= clock_timestamp() - make_interval(secs => ${idleSeconds})`;
  const { rows } = await sql<{ id: string }>`
    select a.id from artifact a
    where a.domain = ${domain.num} and a.id > ${after} ${among} ${idle} and ${UNUSED}
    order by a.id limit ${limit} for update skip locked`.execute(trx);
  return rows.map(({ id }) => id);
}

/** A table of a plugin may hold one of them: then each goes alone, and that one stays. */
async function deleteUnusedOrFew(
  trx: Trx,
  domain: DomainRef,
  ids: readonly string[],
): Promise<string[]> {
  const all = await whereAllowed(trx, () => deleteUnused(trx, domain, ids));
  if (all) return all;
  const objects: string[] = [];
  for (const id of ids)
    objects.push(...((await whereAllowed(trx, () => deleteUnused(trx, domain, [id]))) ?? []));
  return objects;
}

/** A statement of its own, so that it sees everybody who committed before the rows were locked. */
async function deleteUnused(
  trx: Trx,
  domain: DomainRef,
  ids: readonly string[],
): Promise<string[]> {
  const canonical = objectName(domain, "").replace(/\/\/$/, "/");
  const { rows } = await sql<{ object: string }>`
    with gone as (
      delete from artifact a
      where a.domain = ${domain.num} and a.id = any(${ids}::uuid[]) and ${UNUSED}
      returning size, coalesce(file, ${canonical} || left(encode(sha256, 'hex'), 2) || '/'
        || substr(encode(sha256, 'hex'), 3)) as object
    ), announced as (
      insert into storage_intent (domain, object, reason, not_before)
      select ${domain.num}, object, ${newReason("delete")}, clock_timestamp()
      from gone order by object
      on conflict do nothing
    ), used as (
      update domain_usage u set bytes = u.bytes - g.bytes, artifacts = u.artifacts - g.n
      from (select sum(size) as bytes, count(*) as n from gone) g
      where u.domain = ${domain.num} and g.n > 0
    )
    select object from gone`.execute(trx);
  return rows.map(({ object }) => object);
}
