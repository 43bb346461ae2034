import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import type { Ctx, DomainRef, Trx } from "../ctx.ts";
import { announce, announceAfterCommit } from "../distributions/commands.ts";
import type { Job, VersionRef } from "../plugin-contract.ts";
import { inTransaction } from "../transaction.ts";
import { closeForEdit, insertForEdit } from "./edit.ts";
import { repositoryErrors } from "./errors.ts";
import {
  addBatch,
  beginKept,
  changeOf,
  closeUnseen,
  endKept,
  removeBatch,
  undoRows,
} from "./members.ts";
import { checkPaths } from "./paths.ts";
import { lockRepository } from "./queries.ts";
import { applyRetention } from "./retention.ts";
import { countsAfter, isEmptyChange, normalEdit, type TypeChange } from "./rules.ts";
import { OPEN, type VersionCounts } from "./table.ts";
import type {
  AddedMembers,
  OpenDraft,
  RepositoryFacts,
  VersionEdit,
  VersionRange,
} from "./types.ts";

const CHUNK = 2000;

/** What a transaction that completed a version leaves to do after its commit. */
interface Completed {
  readonly repository: RepositoryFacts;
  readonly version: VersionRef;
  readonly announced: readonly string[];
}

/**
 * `modify`: the next version in one transaction; undefined when the edit changes nothing. Autopublish
 * and retention follow, each in transactions of its own.
 *
 * @throws `repositoryErrors`: `gone`, `missingUnits`, `duplicates`, `overwrite`, `unsupported`,
 *   `overlappingPath`; nothing of the version stays.
 */
export async function createVersion(
  job: Job,
  repositoryId: string,
  edit: VersionEdit,
): Promise<VersionRef | undefined> {
  const { ctx, caller } = job;
  const wanted = normalEdit(edit);
  const completed = await inTransaction(ctx, undefined, async (trx) => {
    const repository = await lock(trx, caller.domain, repositoryId);
    const state = await stateFor(trx, repository, wanted);
    if (!state.hasWork) return undefined;
    const draft = await insertDraft(job, trx, repository, wanted.baseVersion);
    const change = { draft, edit: wanted, ...(state.base ? { base: state.base } : {}) };

    const { missing, duplicates, conflicts } = await closeForEdit(trx, change);
    if (missing) throw repositoryErrors.missingUnits(missing);
    if (duplicates > 0) throw duplicatesError(ctx, draft, duplicates);
    const [first] = conflicts;
    if (first) throw repositoryErrors.overwrite(ctx.plugins.contentTypeName(first.type), conflicts);
    await insertForEdit(trx, change);
    return finish(job, trx, { draft, repository, before: state.counts });
  });
  return afterCompletion(job, completed);
}

function duplicatesError(ctx: Ctx, draft: OpenDraft, count: number): Error {
  const { name } = draft.repository;
  ctx.log
    .of(draft.correlationId)
    .warn(`${count} units that repository '${name}' shall add share a slot with another one.`);
  return repositoryErrors.duplicates(count, draft.correlationId);
}

async function lock(trx: Trx, domain: DomainRef, id: string): Promise<RepositoryFacts> {
  const repository = await lockRepository(trx, id);
  if (!repository || repository.domain !== domain.num) throw repositoryErrors.gone();
  return repository;
}

interface EditState {
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
async function stateFor(
  trx: Trx,
  repository: RepositoryFacts,
  edit: VersionEdit,
): Promise<EditState> {
  const { num, domain } = repository;
  const open = sql`m.repository = ${num} and m.removed = ${OPEN}`;
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
  if (row.leftover !== null) {
    await dropDraft(trx, { num, id: row.leftover, n: repository.nextVersion });
    return stateFor(trx, repository, edit);
  }
  const { base_repository, base_number, ...state } = row;
  if (base_repository === null || base_number === null) return state;
  return { ...state, base: { repository: base_repository, number: base_number } };
}

async function insertDraft(
  job: Job,
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
  const { domain, correlationId } = job.caller;
  const n = repository.nextVersion;
  return { repository, versionId, n, domain, isMirror: false, correlationId };
}

/** Removes an incomplete version with all that it did. */
async function dropDraft(
  trx: Trx,
  draft: { readonly num: number; readonly id: string; readonly n: number },
): Promise<void> {
  await undoRows(trx, { repository: draft.num, number: draft.n });
  await endKept(trx, draft.id);
  await sql`delete from repository_version where id = ${draft.id} and not complete`.execute(trx);
}

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
    const repository = await lock(trx, caller.domain, repositoryId);
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
    const { added, missing } = await inTransaction(ctx, undefined, (trx) =>
      addBatch(trx, draft, chunk),
    );
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

/**
 * Makes the draft visible: mirror, rules of the type, checks, counts, created resource, in one
 * transaction; then autopublish and retention. Undefined when nothing changed.
 *
 * @throws what the checks say, after the draft is removed.
 */
export async function completeVersion(job: Job, draft: OpenDraft): Promise<VersionRef | undefined> {
  const { ctx } = job;
  try {
    const completed = await inTransaction(ctx, undefined, async (trx) => {
      const repository = await lock(trx, draft.domain, draft.repository.id);
      const before = await countsOfLatest(trx, draft);
      if (draft.isMirror) await closeUnseen(trx, draft);
      return finish(job, trx, { draft, repository, before });
    });
    return await afterCompletion(job, completed);
  } catch (error) {
    await discardVersion(ctx, draft);
    throw error;
  }
}

/** Counts of the predecessor, once it is sure that the draft is still one. */
async function countsOfLatest(trx: Trx, draft: OpenDraft): Promise<VersionCounts> {
  const { rows } = await sql<{ counts: VersionCounts; isOpen: boolean }>`
    select counts, exists (select from repository_version d
      where d.id = ${draft.versionId} and not d.complete) as "isOpen"
    from repository_version where repository = ${draft.repository.num} and complete
    order by number desc limit 1`.execute(trx);
  const [row] = rows;
  if (!row?.isOpen) throw repositoryErrors.immutable(draft.versionId);
  return row.counts;
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

interface Finish {
  readonly draft: OpenDraft;
  readonly repository: RepositoryFacts;
  readonly before: VersionCounts;
}

/** Rules, checks and the instant of visibility; a draft that changed nothing is removed. */
async function finish(
  job: Job,
  trx: Trx,
  { draft, repository, before }: Finish,
): Promise<Completed | undefined> {
  const type = job.ctx.plugins.repositoryType(repository.type);
  await type.finalizeVersion?.(trx, draft);
  const change = await changeOf(trx, { repository: repository.num, number: draft.n });
  if (isEmptyChange(change)) {
    await dropDraft(trx, { num: repository.num, id: draft.versionId, n: draft.n });
    return undefined;
  }
  const added = change.filter((each) => each.added > 0).map((each) => each.type);
  const unsupported = added.filter((name) => !type.contentTypes.includes(name));
  if (unsupported.length > 0) throw repositoryErrors.unsupported(unsupported);
  for (const name of added) {
    const contentType = job.ctx.plugins.contentType(name);
    if (contentType.slotIsPath) await checkPaths(trx, draft, contentType);
  }
  await publishRows(trx, draft, { before, change });
  if (!repository.isHidden) await recordCreated(job, trx, draft);
  const announced = await announce(trx, draft.domain, { repository: repository.id });
  const version = { id: draft.versionId, number: draft.n, repository };
  return { repository, version, announced };
}

/** The version becomes complete and the next number free, in one statement. */
async function publishRows(
  trx: Trx,
  draft: OpenDraft,
  counts: { readonly before: VersionCounts; readonly change: readonly TypeChange[] },
): Promise<void> {
  const after = JSON.stringify(countsAfter(counts.before, counts.change));
  if (draft.isMirror) await endKept(trx, draft.versionId);
  await sql`
    with completed as (
      update repository_version
      set complete = true, counts = ${after}::jsonb, updated = clock_timestamp()
      where id = ${draft.versionId})
    update repository set next_version = ${draft.n + 1}, updated = clock_timestamp()
    where num = ${draft.repository.num}`.execute(trx);
}

function recordCreated(job: Job, trx: Trx, draft: OpenDraft): Promise<void> {
  const { type, id } = draft.repository;
  const { path } = job.ctx.plugins.entity("repository", type);
  return job.created(
    {
      model: "core.RepositoryVersion",
      object: draft.versionId,
      path: `${path}/${id}/versions/${draft.n}/`,
    },
    trx,
  );
}

/** What follows the commit: caches, autopublish, then retention. */
async function afterCompletion(
  job: Job,
  completed: Completed | undefined,
): Promise<VersionRef | undefined> {
  if (!completed) return undefined;
  const { ctx, caller } = job;
  const { repository, version, announced } = completed;
  announceAfterCommit(ctx, caller.domain, announced);
  await ctx.plugins.repositoryType(repository.type).onNewVersion?.(job, version);
  if (repository.retainRepoVersions !== null) await applyRetention(ctx, repository.id);
  return version;
}
