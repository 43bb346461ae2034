import { PREPARE } from "#base/prepare.ts";
import { type Executor, sql } from "#sdk";

/** What was pushed and is in no version yet (plugin-container §10.2). */

/** A repository by `repository.id` and the number of its domain. */
export interface RepositoryKey {
  readonly id: string;
  readonly domain: number;
}

/** A unit that was pushed to a repository: `content.id` and `repository.id`. */
export interface PendingUnit {
  readonly repository: string;
  readonly unit: string;
}

/** Adds units; those that are there already are in use again. */
export const addPending = (
  db: Executor,
  { id, domain }: RepositoryKey,
  units: readonly string[],
): Promise<void> =>
  addPendingUnits(
    db,
    domain,
    units.map((unit) => ({ repository: id, unit })),
  );

/** The same for several repositories of a domain. */
export async function addPendingUnits(
  db: Executor,
  domain: number,
  added: readonly PendingUnit[],
): Promise<void> {
  if (added.length > 0) await pendingInsert(domain, added).execute(db);
}

/** The statement of `addPendingUnits`. */
export const pendingInsert = (
  domain: number,
  added: readonly PendingUnit[],
) => sql`${sql.raw(PREPARE)}
  insert into container_pending (repository, domain, content)
  select distinct u.repository, ${domain}::int, u.unit
  from unnest(${added.map(({ repository }) => repository)}::uuid[],
    ${added.map(({ unit }) => unit)}::uuid[]) as u (repository, unit)
  order by u.repository, u.unit
  on conflict (repository, content) do update set used = clock_timestamp()`;

/** Takes units off the list; returns how many were on it. */
export async function removePending(
  db: Executor,
  repository: RepositoryKey,
  units: readonly string[],
): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    with gone as (
      delete from container_pending
      where repository = ${repository.id} and content = any(${units}::uuid[]) returning domain, content),
    candidates as (
      insert into orphan_candidate (domain, content) select domain, content from gone
      on conflict do nothing)
    select count(*)::int as n from gone`.execute(db);
  return rows[0]?.n ?? 0;
}

/**
 * Notes that units are in use, so that clean-up lets them be for another while; at most once in ten
 * minutes each, and never waiting for somebody who does the same.
 */
export async function touchPending(
  db: Executor,
  repository: RepositoryKey,
  units: readonly string[],
): Promise<void> {
  await sql`
    with stale as materialized (
      select content from container_pending
      where repository = ${repository.id} and content = any(${units}::uuid[])
        and used < clock_timestamp() - interval '10 minutes'
      order by content for update skip locked),
    used as (
      update container_pending p set used = clock_timestamp() from stale s
      where p.repository = ${repository.id} and p.content = s.content)
    update content c set touched = clock_timestamp() from stale s
    where c.domain = ${repository.domain} and c.id = s.content`.execute(db);
}
