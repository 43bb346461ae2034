import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import type { Ctx, DomainRef, Trx } from "../ctx.ts";
import type { Job, VersionAuthor } from "../plugin-contract.ts";
import { inTransaction } from "../transaction.ts";
import { admit } from "./admission.ts";
import { repositoryErrors } from "./errors.ts";
import { addBatch, beginKept, endKept, removeBatch, undoRows } from "./members.ts";
import { isOpen, lockRepository } from "./queries.ts";
import type { VersionCounts } from "./table.ts";
import type {
  AddedMembers,
  OpenDraft,
  RepositoryFacts,
  VersionEdit,
  VersionRange,
} from "./types.ts";

const CHUNK = 2000;
/** Refused units that a draft remembers for its report. */
const MAX_REFUSED = 1000;

/**
 * Starts a version for a sync and commits at once; readers see complete versions only. A leftover of
 * a crash is removed first.
 */
export function openVersion(
  job: Job,
  repositoryId: string,
  options: { readonly mirror?: boolean } = {},
): Promise<OpenDraft> {
  const { ctx, caller } = job;
  return inTransaction(ctx, undefined, async (trx) => {
    const repository = await lockForVersion(trx, caller.domain, repositoryId);
    await stateFor(trx, repository, { add: [], remove: [] });
    const draft = await insertDraft(job, trx, repository, undefined);
    const isMirror = options.mirror ?? false;
    if (isMirror) await beginKept(trx, draft.versionId);
    return { ...draft, isMirror };
  });
}

/**
 * Adds units, 2 000 per transaction; a member of the same slot gives way. Adding a member changes
 * nothing, and keeps it in a mirror.
 *
 * @throws `repositoryErrors.immutable` after the draft ended; `duplicates` if two units that this
 *   version adds want one slot.
 */
export async function addMembers(
  ctx: Ctx,
  draft: OpenDraft,
  ids: readonly string[],
): Promise<AddedMembers> {
  const total = { added: 0, missing: [] as string[] };
  for (const chunk of chunks(ids)) {
    const { added, missing, refused } = await inTransaction(ctx, undefined, async (trx) => {
      const { repository } = draft;
      const admitted = await admit(ctx, trx, { repository, add: chunk, remove: [] });
      return { ...(await addBatch(trx, draft, admitted.add)), refused: admitted.refused };
    });
    draft.refused.push(...refused.slice(0, MAX_REFUSED - draft.refused.length));
    total.added += added;
    total.missing.push(...missing);
  }
  return total;
}

/** Removes units, 2 000 per transaction; those that are no members are passed over. */
export async function removeMembers(
  ctx: Ctx,
  draft: OpenDraft,
  ids: readonly string[],
): Promise<number> {
  let removed = 0;
  for (const chunk of chunks(ids)) {
    removed += await inTransaction(ctx, undefined, (trx) => removeBatch(trx, draft, chunk));
  }
  return removed;
}

function* chunks(ids: readonly string[]): Generator<readonly string[]> {
  for (let start = 0; start < ids.length; start += CHUNK) yield ids.slice(start, start + CHUNK);
}

/** Removes a draft without a trace, for a sync that failed; a complete version stays as it is. */
export async function discardVersion(ctx: Ctx, draft: OpenDraft): Promise<void> {
  const { num, id } = draft.repository;
  await inTransaction(ctx, undefined, async (trx) => {
    await lockRepository(trx, id);
    const { rows } = await sql`
      select from repository_version where id = ${draft.versionId} and not complete`.execute(trx);
    if (rows.length > 0) await dropDraft(trx, { num, id: draft.versionId, n: draft.n });
  });
}

/** The repository of the domain, locked until the transaction ends. */
export async function lockForVersion(
  trx: Trx,
  domain: DomainRef,
  id: string,
): Promise<RepositoryFacts> {
  const repository = await lockRepository(trx, id);
  if (!repository || repository.domain !== domain.num) throw repositoryErrors.gone();
  return repository;
}

export interface EditState {
  readonly counts: VersionCounts;
  readonly base?: VersionRange;
  /** False if the edit certainly changes nothing. */
  readonly hasWork: boolean;
}

interface StateRow extends Pick<EditState, "counts" | "hasWork"> {
  readonly leftover: string | null;
  readonly base_repository: number | null;
  readonly base_number: number | null;
}

/** The predecessor, the base, and whether there is anything to do; removes the leftover of a crash. */
export async function stateFor(
  trx: Trx,
  repository: RepositoryFacts,
  edit: VersionEdit,
): Promise<EditState> {
  const { leftover, ...state } = await readState(trx, repository, edit);
  if (leftover === null) return state;
  await dropDraft(trx, { num: repository.num, id: leftover, n: repository.nextVersion });
  return stateFor(trx, repository, edit);
}

/**
 * As `stateFor`, for one that does not hold the repository's lock among the tasks: the task that
 * does may be filling a version.
 *
 * @throws `repositoryErrors.busy`
 */
export async function stateBeside(
  trx: Trx,
  repository: RepositoryFacts,
  edit: VersionEdit,
): Promise<EditState> {
  const { leftover, ...state } = await readState(trx, repository, edit);
  if (leftover !== null) throw repositoryErrors.busy();
  return state;
}

async function readState(
  trx: Trx,
  repository: RepositoryFacts,
  edit: VersionEdit,
): Promise<EditState & { readonly leftover: string | null }> {
  const { num, domain } = repository;
  const open = sql`m.repository = ${num} and ${isOpen("m")}`;
  const removes =
    edit.remove === "*"
      ? sql`m.content <> all(${edit.add}::uuid[])`
      : sql`m.content = any(${edit.remove}::uuid[])`;
  const { rows } = await sql<StateRow>`
    select latest.counts, b.repository as base_repository, b.number as base_number,
      (select id from repository_version where repository = ${num} and not complete) as leftover,
      b.id is not null
        or exists (select from membership m where ${open} and ${removes})
        or exists (select from unnest(${edit.add}::uuid[]) as u (id) where not exists (
          select from membership m where ${open} and m.content = u.id)) as "hasWork"
    from (select counts from repository_version where repository = ${num} and complete
      order by number desc limit 1) latest
    left join repository_version b
      on b.id = ${edit.baseVersion ?? null} and b.domain = ${domain} and b.complete`.execute(trx);
  const [row] = rows;
  if (!row || (edit.baseVersion && row.base_number === null)) throw repositoryErrors.versionGone();
  const { base_repository, base_number, ...state } = row;
  if (base_repository === null || base_number === null) return state;
  return { ...state, base: { repository: base_repository, number: base_number } };
}

/** The row of a version under construction. */
export async function insertDraft(
  author: VersionAuthor,
  trx: Trx,
  repository: RepositoryFacts,
  baseVersion: string | undefined,
): Promise<OpenDraft> {
  const versionId = uuid7();
  await trx
    .insertInto("repository_version")
    .values({
      id: versionId,
      domain: repository.domain,
      repository: repository.num,
      number: repository.nextVersion,
      base_version: baseVersion ?? null,
    })
    .execute();
  const { domain, correlationId } = author.caller;
  const n = repository.nextVersion;
  return { repository, versionId, n, domain, isMirror: false, correlationId, refused: [] };
}

/** Removes an incomplete version with all that it did. */
export async function dropDraft(
  trx: Trx,
  draft: { readonly num: number; readonly id: string; readonly n: number },
): Promise<void> {
  await undoRows(trx, { repository: draft.num, number: draft.n });
  await endKept(trx, draft.id);
  await sql`delete from repository_version where id = ${draft.id} and not complete`.execute(trx);
}
