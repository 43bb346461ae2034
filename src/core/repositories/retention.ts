import { sql } from "kysely";
import type { Ctx, DomainRef, Trx } from "../ctx.ts";
import { announce, announceAfterCommit } from "../distributions/commands.ts";
import { hidePublications, trimCheckpoints } from "../publications/commands.ts";
import { inTransaction } from "../transaction.ts";
import { repositoryErrors } from "./errors.ts";
import { undoRows } from "./members.ts";
import { isProtected } from "./queries.ts";

/** A version that goes, and what its repository looks like around it. */
interface Victim {
  readonly repository: number;
  readonly number: number;
  /** The next complete version; null if this is the latest. */
  readonly successor: number | null;
  readonly complete: number;
  readonly leftover: { readonly id: string; readonly number: number } | null;
  readonly has_publications: boolean;
  readonly is_protected: boolean;
}

/**
 * Squash: deletes a version, every other version keeps its members (data-model §6).
 *
 * @throws `repositoryErrors.versionGone`, `lastVersion`, `protectedVersion`; nothing changed.
 */
export async function deleteVersion(ctx: Ctx, domain: DomainRef, versionId: string): Promise<void> {
  const announced = await inTransaction(ctx, undefined, async (trx) => {
    const victim = await lockVictim(ctx, trx, domain, versionId);
    if (victim.has_publications) return undefined;
    if (victim.leftover) await undoLeftover(trx, victim.repository, victim.leftover);
    const events = await announce(trx, domain, { version: versionId });
    if (victim.successor === null) await undoRows(trx, victim);
    else await foldRows(trx, { ...victim, successor: victim.successor });
    await sql`delete from repository_version where id = ${versionId}`.execute(trx);
    return events;
  });
  if (announced) return announceAfterCommit(ctx, domain, announced);
  // Paths go first, in batches of their own: one transaction over all of them would be too long.
  await hidePublications(ctx, domain, { version: versionId });
  await sql`delete from publication where version = ${versionId} and not complete`.execute(ctx.db);
  return deleteVersion(ctx, domain, versionId);
}

async function lockVictim(
  ctx: Ctx,
  trx: Trx,
  domain: DomainRef,
  versionId: string,
): Promise<Victim> {
  const locked = await sql<{ type: string }>`
    select r.type from repository r where r.num = (
      select v.repository from repository_version v
      where v.domain = ${domain.num} and v.id = ${versionId})
    for no key update`.execute(trx);
  const [repository] = locked.rows;
  if (!repository) throw repositoryErrors.versionGone();
  const { servesPublications } = ctx.plugins.repositoryType(repository.type);
  const { rows } = await sql<Victim>`
    select v.repository, v.number,
      (select min(s.number) from repository_version s
        where s.repository = r.num and s.complete and s.number > v.number) as successor,
      (select count(*) from repository_version s where s.repository = r.num and s.complete) as complete,
      (select jsonb_build_object('id', s.id, 'number', s.number) from repository_version s
        where s.repository = r.num and not s.complete) as leftover,
      exists (select from publication p where p.version = v.id) as has_publications,
      ${isProtected(servesPublications)} as is_protected
    from repository_version v join repository r on r.num = v.repository
    where v.id = ${versionId} and v.complete`.execute(trx);
  const [victim] = rows;
  if (!victim) throw repositoryErrors.versionGone();
  if (victim.complete === 1) throw repositoryErrors.lastVersion();
  if (victim.is_protected) throw repositoryErrors.protectedVersion();
  return victim;
}

async function undoLeftover(
  trx: Trx,
  repository: number,
  { id, number }: { readonly id: string; readonly number: number },
): Promise<void> {
  await undoRows(trx, { repository, number });
  await sql`delete from version_kept where version = ${id}`.execute(trx);
  await sql`delete from repository_version where id = ${id}`.execute(trx);
}

/** Folds what version `number` did into its successor. */
async function foldRows(
  trx: Trx,
  version: { readonly repository: number; readonly number: number; readonly successor: number },
): Promise<void> {
  const { repository: r, number: n, successor: s } = version;
  // Units that lived in this version only.
  await sql`
    with gone as (
      delete from membership where repository = ${r} and added = ${n} and removed = ${s}
      returning domain, content)
    insert into orphan_candidate (domain, content)
    select distinct domain, content from gone on conflict do nothing`.execute(trx);
  // Units that this version removed and the successor added again were never away.
  await sql`
    with again as (
      delete from membership b using membership a
      where a.repository = ${r} and a.removed = ${n}
        and b.repository = ${r} and b.added = ${s} and b.content = a.content
      returning b.content, b.removed, a.added)
    update membership m set removed = again.removed from again
    where m.repository = ${r} and m.content = again.content and m.added = again.added`.execute(trx);
  await sql`
    update membership set
      added = case when added = ${n} then ${s} else added end,
      removed = case when removed = ${n} then ${s} else removed end
    where repository = ${r} and (added = ${n} or removed = ${n})`.execute(trx);
  await sql`
    update repository_version set counts = counts || jsonb_build_object(
      'added', ${countsWhere(r, sql`added = ${s}`)}, 'removed', ${countsWhere(r, sql`removed = ${s}`)})
    where repository = ${r} and number = ${s}`.execute(trx);
}

const countsWhere = (repository: number, condition: ReturnType<typeof sql>) => sql`
  (select coalesce(jsonb_object_agg(t.name, c.n), '{}')
   from (select type, count(*) as n from membership
     where repository = ${repository} and ${condition} group by type) c
   join content_type t on t.num = c.type)`;

/**
 * Deletes the versions that `retain_repo_versions` no longer keeps: of those that no distribution
 * needs all but the newest, oldest first, a transaction each. Checkpoints beyond
 * `retain_checkpoints` lose their flag. Returns the numbers of the versions that went.
 *
 * @param options `onlyLatest`: none beside the latest, of those that no distribution needs.
 */
export async function applyRetention(
  ctx: Ctx,
  repositoryId: string,
  { onlyLatest = false }: { readonly onlyLatest?: boolean } = {},
): Promise<number[]> {
  const { rows: repositories } = await sql<RetentionRow>`
    select r.num, r.type, r.retain_repo_versions, r.retain_checkpoints, d.num as domain_num,
      d.id as domain_id, d.name as domain_name
    from repository r join domain d on d.num = r.domain where r.id = ${repositoryId}`.execute(
    ctx.db,
  );
  const [repository] = repositories;
  if (!repository) throw repositoryErrors.gone();
  await inTransaction(ctx, undefined, (trx) =>
    trimCheckpoints(trx, {
      repositoryNum: repository.num,
      retainCheckpoints: repository.retain_checkpoints,
    }),
  );
  if (repository.retain_repo_versions === null) return [];
  const { servesPublications } = ctx.plugins.repositoryType(repository.type);
  const { rows: victims } = await sql<{ id: string; number: number }>`
    select v.id, v.number from repository r join repository_version v on v.repository = r.num
    where r.num = ${repository.num} and v.complete and not ${isProtected(servesPublications)}
      and (not ${onlyLatest}::boolean or v.number < (select max(l.number)
        from repository_version l where l.repository = r.num and l.complete))
    order by v.number desc offset ${onlyLatest ? 0 : repository.retain_repo_versions}`.execute(
    ctx.db,
  );
  const domain = {
    num: repository.domain_num,
    id: repository.domain_id,
    name: repository.domain_name,
  };
  for (const { id } of victims.toReversed()) await deleteVersion(ctx, domain, id);
  return victims.map(({ number }) => number).toReversed();
}

interface RetentionRow {
  readonly num: number;
  readonly type: string;
  readonly retain_repo_versions: number | null;
  readonly retain_checkpoints: number | null;
  readonly domain_num: number;
  readonly domain_id: string;
  readonly domain_name: string;
}
