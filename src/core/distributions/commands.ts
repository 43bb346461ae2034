import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import { databaseFault, translateConstraint } from "../constraints.ts";
import type { Caller, Ctx, DomainRef, Executor, Trx } from "../ctx.ts";
import { report } from "../events/commands.ts";
import type { DistributionEvent } from "../events/types.ts";
import { inTransaction } from "../transaction.ts";
import { distributionConstraints, distributionErrors, overlapError } from "./errors.ts";
import { overlappingDistribution } from "./queries.ts";
import type {
  ChangeSelector,
  DistributionPatch,
  NewDistribution,
  ServedSelector,
} from "./types.ts";

/** Which distribution a command is about. */
export interface DistributionKey {
  readonly domain: DomainRef;
  readonly id: string;
  /** On whose behalf, for those who hear of it. */
  readonly by?: Caller;
}

/**
 * Makes a distribution. With `trx` the caller announces after its commit:
 * `announceAfterCommit(ctx, domain, [id])`.
 *
 * @throws `ValidationError` with the wire's text when a name, path or source is refused.
 */
export async function createDistribution(
  ctx: Ctx,
  input: NewDistribution,
  trx?: Trx,
): Promise<string> {
  const { domain } = input;
  const id = uuid7();
  const work = async (t: Trx): Promise<void> => {
    await t
      .insertInto("distribution")
      .values({
        id,
        domain: domain.num,
        type: input.type,
        name: input.name,
        base_path: input.basePath,
        hidden: input.hidden ?? false,
        checkpoint: input.checkpoint ?? false,
        repository: input.repository ?? null,
        version: input.version ?? null,
        publication: input.publication ?? null,
        remote: input.remote ?? null,
        guard: input.guard ?? null,
        labels: JSON.stringify(input.labels ?? {}),
        legacy_overlap: input.mayNest ?? false,
      })
      .execute();
    await recordServed(ctx, t, domain, { distribution: id });
    await announce(t, domain, { distributions: [id] });
    reportChange(ctx, t, { ...input, id, action: "created" });
  };
  await translated(ctx, { domain, basePath: input.basePath }, inTransaction(ctx, trx, work));
  if (!trx) announceAfterCommit(ctx, domain, [id]);
  return id;
}

/**
 * Changes the fields that are given. With `trx` the caller announces after its commit.
 *
 * @throws `ValidationError` as `createDistribution`; `distributionErrors.gone`.
 */
export async function updateDistribution(
  ctx: Ctx,
  change: DistributionKey & { readonly patch: DistributionPatch },
  trx?: Trx,
): Promise<void> {
  const { domain, id, patch } = change;
  const work = async (t: Trx): Promise<void> => {
    const { numUpdatedRows } = await t
      .updateTable("distribution")
      .set({
        name: patch.name,
        base_path: patch.basePath,
        hidden: patch.hidden,
        checkpoint: patch.checkpoint,
        repository: patch.repository,
        version: patch.version,
        publication: patch.publication,
        remote: patch.remote,
        guard: patch.guard,
        labels: patch.labels && JSON.stringify(patch.labels),
        updated: sql`clock_timestamp()`,
      })
      .where("domain", "=", domain.num)
      .where("id", "=", id)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) throw distributionErrors.gone();
    await recordServed(ctx, t, domain, { distribution: id });
    await announce(t, domain, { distributions: [id] });
    reportChange(ctx, t, { ...change, action: "changed" });
  };
  const place = { domain, basePath: patch.basePath ?? "", except: id };
  await translated(ctx, place, inTransaction(ctx, trx, work));
  if (!trx) announceAfterCommit(ctx, domain, [id]);
}

/** Deletes a distribution. With `trx` the caller announces after its commit. */
export async function deleteDistribution(ctx: Ctx, key: DistributionKey, trx?: Trx): Promise<void> {
  const { domain, id } = key;
  await inTransaction(ctx, trx, async (t) => {
    const { numDeletedRows } = await t
      .deleteFrom("distribution")
      .where("domain", "=", domain.num)
      .where("id", "=", id)
      .executeTakeFirst();
    if (numDeletedRows === 0n) throw distributionErrors.gone();
    await announce(t, domain, { distributions: [id] });
    reportChange(ctx, t, { ...key, action: "deleted" });
  });
  if (!trx) announceAfterCommit(ctx, domain, [id]);
}

function reportChange(
  ctx: Ctx,
  trx: Trx,
  { domain, id, by, action }: DistributionKey & Pick<DistributionEvent, "action">,
): void {
  report(ctx, { kind: "distribution", action, domain, id, ...(by ? { by } : {}) }, trx);
}

/** A refused statement as the wire tells it; asks on another connection who is in the way. */
async function translated<Result>(
  ctx: Ctx,
  place: { readonly domain: DomainRef; readonly basePath: string; readonly except?: string },
  work: Promise<Result>,
): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (databaseFault(error)?.constraint !== "distribution_overlap") {
      throw translateConstraint(distributionConstraints, error);
    }
    throw overlapError(place.basePath, await overlappingDistribution(ctx.db, place.domain, place));
  }
}

/** Ids of the distributions that a guard protects, by itself or as a member of composites. */
const guarded = (domain: number, guard: string) => sql`
  with recursive above (id) as (
    select ${guard}::uuid
    union
    select m.composite from composite_guard_member m join above a on m.guard = a.id
    where m.domain = ${domain})
  select d.id from distribution d join above a on a.id = d.guard where d.domain = ${domain}`;

/**
 * Writes an event for every distribution whose content the change may alter, inside the transaction
 * that makes the change. After the commit the caller gives the ids to `announceAfterCommit`.
 */
export async function announce(
  trx: Trx,
  domain: DomainRef,
  selector: ChangeSelector,
): Promise<readonly string[]> {
  const { rows } = await sql<{ distribution: string }>`
    insert into distribution_event (domain, distribution, content_only)
    select distinct ${domain.num}::int, id, ${"repository" in selector}::boolean
    from (${affected(domain.num, selector)}) as affected (id)
    returning distribution`.execute(trx);
  return rows.map(({ distribution }) => distribution);
}

/** Ids of the distributions that a change may alter; every branch is an index probe. */
function affected(domain: number, selector: ChangeSelector) {
  const by = (column: string, id: string) =>
    sql`select id from distribution where domain = ${domain} and ${sql.ref(column)} = ${id}`;
  if ("distributions" in selector) return sql`select unnest(${selector.distributions}::uuid[])`;
  if ("isWholeDomain" in selector) return sql`select id from distribution where domain = ${domain}`;
  if ("repository" in selector) return by("repository", selector.repository);
  if ("remote" in selector) return by("remote", selector.remote);
  if ("guard" in selector) return guarded(domain, selector.guard);
  const [publications, versions] =
    "version" in selector
      ? [
          sql`select p.id from publication p where p.version = ${selector.version}`,
          sql`select ${selector.version}::uuid`,
        ]
      : [
          sql`select unnest(${selector.publications}::uuid[])`,
          sql`select p.version from publication p where p.id = any(${selector.publications}::uuid[])`,
        ];
  return sql`
    select id from distribution where domain = ${domain} and publication in (${publications})
    union all select distribution from distributed_publication where publication in (${publications})
    union all select id from distribution where domain = ${domain} and version in (${versions})
    union all select id from distribution where domain = ${domain} and repository in (
      select r.id from repository_version v join repository r on r.num = v.repository
      where v.id in (${versions}))`;
}

/** Tells the content processes, after the commit, what `announce` wrote; a lost message costs a poll. */
export function announceAfterCommit(ctx: Ctx, domain: DomainRef, ids: readonly string[]): void {
  for (const id of new Set(ids)) ctx.notifier.notify("deckle_distribution", `${domain.num}:${id}`);
}

/** The same where repositories have new versions and nothing else has changed. */
export function announceContent(ctx: Ctx, domain: DomainRef, ids: readonly string[]): void {
  for (const id of new Set(ids))
    ctx.notifier.notify("deckle_distribution", `${domain.num}:${id}:content`);
}

/**
 * Writes down which publication each of the distributions serves now. The one before it stays
 * reachable for the grace period; records that ran out are removed; a distribution without a source
 * loses all of them (core-content §4.4).
 */
export async function recordServed(
  ctx: Ctx,
  trx: Trx,
  domain: DomainRef,
  selector: ServedSelector,
): Promise<void> {
  const which =
    "distribution" in selector
      ? sql`d.id = ${selector.distribution}`
      : sql`(d.repository = ${selector.repository} or d.version in (
          select v.id from repository_version v join repository r on r.num = v.repository
          where r.id = ${selector.repository}))`;
  await sql`
    with served as materialized (${servedPublications(domain.num, which)}),
    current as (
      insert into distributed_publication (distribution, publication)
      select distribution, publication from served where publication is not null
      on conflict (distribution, publication) do update
        set expires_at = null, created = clock_timestamp()
        where distributed_publication.expires_at is not null),
    superseded as (
      update distributed_publication r
      set expires_at = clock_timestamp()
        + make_interval(secs => ${ctx.settings.DISTRIBUTED_PUBLICATION_RETENTION_PERIOD}::int)
      from served s
      where r.distribution = s.distribution and not s.is_cleared
        and r.publication is distinct from s.publication and r.expires_at is null)
    delete from distributed_publication r using served s
    where r.distribution = s.distribution and r.publication is distinct from s.publication
      and (s.is_cleared or r.expires_at < clock_timestamp())`.execute(trx);
}

/** The publication of highest version, then the newest, for each distribution (core-content §4.3). */
const servedPublications = (domain: number, which: ReturnType<typeof sql>) => sql`
  select d.id as distribution, coalesce(d.publication, pinned.id, latest.id) as publication,
    num_nonnulls(d.repository, d.version, d.publication) = 0 as is_cleared
  from distribution d
  left join repository r on r.id = d.repository
  left join lateral (
    select p.id from publication p where p.version = d.version and p.complete
    order by p.created desc, p.id desc limit 1) pinned on true
  left join lateral (
    select p.id from repository_version v join publication p on p.version = v.id
    where v.repository = r.num and v.complete and p.complete
    order by v.number desc, p.created desc, p.id desc limit 1) latest on true
  where d.domain = ${domain} and not d.checkpoint and ${which}`;

/** Events that every content process has read by now; part of the housekeeping. */
export async function trimEvents(db: Executor): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom("distribution_event")
    .where("at", "<", sql<string>`clock_timestamp() - interval '1 hour'`)
    .executeTakeFirst();
  return Number(numDeletedRows);
}
