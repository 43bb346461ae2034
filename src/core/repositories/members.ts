import { sql } from "kysely";
import type { Trx } from "../ctx.ts";
import type { Draft } from "../plugin-contract.ts";
import { repositoryErrors } from "./errors.ts";
import { isOpen } from "./queries.ts";
import type { TypeChange } from "./rules.ts";
import { OPEN } from "./table.ts";
import type { AddedMembers, OpenDraft } from "./types.ts";

interface Probe {
  readonly isOpen: boolean;
  readonly missing: readonly string[] | null;
  readonly absent: readonly string[] | null;
  readonly reopens: boolean;
}

/** Adds one batch to a draft that is filled in batches: one statement if all are members already. */
export async function addBatch(
  trx: Trx,
  draft: OpenDraft,
  ids: readonly string[],
): Promise<AddedMembers> {
  const probe = await probeUnits(trx, draft, ids);
  if (!probe?.isOpen) throw repositoryErrors.immutable(draft.versionId);
  const { absent } = probe;
  const missing = probe.missing ?? [];
  if (absent === null) return { added: 0, missing };
  await closeSlots(trx, draft, absent);
  const reopened = probe.reopens ? await reopen(trx, draft, absent) : [];
  const inserted = await insertAbsent(trx, draft, absent);
  const isMember = new Set([...inserted, ...reopened]);
  return {
    added: isMember.size,
    missing: [...missing, ...absent.filter((id) => !isMember.has(id))],
  };
}

/**
 * What each unit is to the draft; a mirror also notes the members that it has seen. Each is looked up
 * by itself: a join, planned without statistics, reads the whole domain and all members for every
 * batch. The range of `removed` keeps the planner from the index that does not begin with the unit.
 */
async function probeUnits(
  trx: Trx,
  draft: OpenDraft,
  ids: readonly string[],
): Promise<Probe | undefined> {
  const { num, domain } = draft.repository;
  const kept = draft.isMirror
    ? sql`, kept as (
        insert into version_kept (version, content)
        select ${draft.versionId}::uuid, id from unit
        where coalesce(open_added, closed_added) < ${draft.n}
        on conflict do nothing)`
    : sql``;
  const { rows } = await sql<Probe>`
    with unit as materialized (
      select w.id, o.open_added, o.closed_added,
        (select true from content c where c.domain = ${domain} and c.id = w.id) is null as is_missing
      from (select distinct unnest(${ids}::uuid[]) as id) w
      cross join lateral (
        select max(m.added) filter (where m.removed = ${OPEN}) as open_added,
          max(m.added) filter (where m.removed = ${draft.n}) as closed_added
        from membership m
        where m.repository = ${num} and m.content = w.id and m.removed >= ${draft.n}) o)${kept}
    select exists (select from repository_version v
        where v.id = ${draft.versionId} and not v.complete) as "isOpen",
      array_agg(id) filter (where is_missing) as missing,
      array_agg(id) filter (where not is_missing and open_added is null) as absent,
      coalesce(bool_or(open_added is null and closed_added is not null), false) as reopens
    from unit`.execute(trx);
  return rows[0];
}

/**
 * Ends members whose slot a new unit takes.
 *
 * @throws `repositoryErrors.duplicates` if two units of this version want one slot.
 */
async function closeSlots(trx: Trx, draft: OpenDraft, ids: readonly string[]): Promise<void> {
  const { num, domain } = draft.repository;
  const { rows } = await sql<{ duplicates: number }>`
    with wanted as materialized (
      select id, slot from content
      where domain = ${domain} and id = any(${ids}::uuid[]) and slot is not null),
    hit as materialized (
      select g.content, g.added from wanted w cross join lateral (
        select m.content, m.added from membership m
        where m.repository = ${num} and m.slot = w.slot and ${isOpen("m")} and m.content <> w.id
        offset 0) g),
    closed as (
      update membership m set removed = ${draft.n} from hit h
      where m.repository = ${num} and m.content = h.content and m.added = h.added
        and m.added < ${draft.n})
    select (select count(slot) - count(distinct slot) from wanted)
      + (select count(*) from hit where added = ${draft.n}) as duplicates`.execute(trx);
  const duplicates = rows[0]?.duplicates ?? 0;
  if (duplicates > 0) throw repositoryErrors.duplicates(duplicates, draft.correlationId);
}

/** A unit that this version removed and adds again was never away. */
async function reopen(trx: Trx, draft: Draft, ids: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ content: string }>`
    update membership set removed = ${OPEN}
    where repository = ${draft.repository.num} and removed = ${draft.n}
      and content = any(${ids}::uuid[])
    returning content`.execute(trx);
  return rows.map(({ content }) => content);
}

/**
 * Returns the ids that are members now; a unit that a clean-up took since the probe is not. Members
 * are told by the constraint and not by a look-up, which without statistics reads all of them for
 * each unit.
 */
async function insertAbsent(trx: Trx, draft: Draft, ids: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ content: string }>`
    insert into membership (repository, added, domain, type, slot, content)
    select ${draft.repository.num}::int, ${draft.n}::int, c.domain, c.type, c.slot, c.id
    from (
      select domain, id, type, slot from content
      where domain = ${draft.repository.domain} and id = any(${ids}::uuid[])
      order by id for key share) c
    on conflict on constraint membership_one_open_unit do nothing
    returning content`.execute(trx);
  return rows.map(({ content }) => content);
}

/** Ends members; what this version added goes without a trace. Returns how many went. */
export async function removeBatch(trx: Trx, draft: Draft, ids: readonly string[]): Promise<number> {
  const mine = sql`m.repository = ${draft.repository.num} and ${isOpen("m")}
    and m.content = any(${ids}::uuid[])`;
  const { rows } = await sql<{ isOpen: boolean; removed: number }>`
    with gone as (delete from membership m where ${mine} and m.added = ${draft.n} returning 1),
    closed as (
      update membership m set removed = ${draft.n} where ${mine} and m.added < ${draft.n} returning 1)
    select exists (select from repository_version v
        where v.id = ${draft.versionId} and not v.complete) as "isOpen",
      (select count(*) from gone) + (select count(*) from closed) as removed`.execute(trx);
  const [row] = rows;
  if (!row?.isOpen) throw repositoryErrors.immutable(draft.versionId);
  return row.removed;
}

/** Begins the list of members that a mirror has seen, with the row that says it is whole. */
export const beginKept = (trx: Trx, versionId: string) =>
  sql`insert into version_kept (version, content) values (${versionId}, ${versionId})`.execute(trx);

export const endKept = (trx: Trx, versionId: string) =>
  sql`delete from version_kept where version = ${versionId}`.execute(trx);

/** Ends every member that the mirror has not seen. */
export async function closeUnseen(trx: Trx, draft: Draft): Promise<void> {
  const { rows } = await sql<{ isWhole: boolean }>`
    with list as materialized (
      select from version_kept where version = ${draft.versionId} and content = ${draft.versionId}),
    closed as (
      update membership m set removed = ${draft.n}
      where m.repository = ${draft.repository.num} and m.removed = ${OPEN}
        and m.added < ${draft.n} and exists (select from list) and not exists (
          select from version_kept k
          where k.version = ${draft.versionId} and k.content = m.content))
    select exists (select from list) as "isWhole"`.execute(trx);
  if (!rows[0]?.isWhole) throw repositoryErrors.mirrorLost();
}

/** Units by type that version `n` added and removed, from the two indexes of changed rows. */
export async function changeOf(
  trx: Trx,
  version: { readonly repository: number; readonly number: number },
): Promise<TypeChange[]> {
  const { repository, number } = version;
  const { rows } = await sql<TypeChange>`
    select t.name as type, sum(c.added) as added, sum(c.removed) as removed
    from (
      select type, count(*) as added, 0 as removed from membership
      where repository = ${repository} and added = ${number} group by type
      union all
      select type, 0, count(*) from membership
      where repository = ${repository} and removed = ${number} group by type) c
    join content_type t on t.num = c.type group by t.name order by t.name`.execute(trx);
  return rows.map(({ type, added, removed }) => ({
    type,
    added: Number(added),
    removed: Number(removed),
  }));
}

/** Takes back what version `n`, the highest of its repository, did to the members. */
export async function undoRows(
  trx: Trx,
  version: { readonly repository: number; readonly number: number },
): Promise<void> {
  const { repository, number } = version;
  await sql`
    with gone as (
      delete from membership where repository = ${repository} and added = ${number}
      returning domain, content)
    insert into orphan_candidate (domain, content)
    select distinct domain, content from gone on conflict do nothing`.execute(trx);
  // After the delete, since the rows that were deleted may hold the slots of these.
  await sql`
    update membership set removed = ${OPEN}
    where repository = ${repository} and removed = ${number}`.execute(trx);
}
