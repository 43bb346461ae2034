import { sql } from "kysely";
import type { Ctx, Trx } from "../ctx.ts";
import { announce, announceContent } from "../distributions/commands.ts";
import type {
  CreatedResource,
  Draft,
  Job,
  Refusal,
  VersionAuthor,
  VersionRef,
} from "../plugin-contract.ts";
import { admitUnits } from "../scanning/commands.ts";
import { inTransaction } from "../transaction.ts";
import { admit, reportRefused } from "./admission.ts";
import {
  discardVersion,
  dropDraft,
  insertDraft,
  lockForVersion,
  stateBeside,
  stateFor,
} from "./drafts.ts";
import { closeForEdit, insertForEdit } from "./edit.ts";
import { repositoryErrors } from "./errors.ts";
import { changeOf, closeUnseen, endKept } from "./members.ts";
import { checkPaths } from "./paths.ts";
import { applyRetention } from "./retention.ts";
import { countsAfter, isEmptyChange, normalEdit, type TypeChange } from "./rules.ts";
import type { VersionCounts } from "./table.ts";
import type { EditSource, OpenDraft, RepositoryFacts, VersionEdit } from "./types.ts";

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
  edit: EditSource,
): Promise<VersionRef | undefined> {
  if (typeof edit !== "function") await admitAdded(job, repositoryId, edit);
  let refused: readonly Refusal[] = [];
  const completed = await inTransaction(job.ctx, undefined, async (trx) => {
    const edited = await editLatest(job, trx, { repositoryId, edit, stateOf: stateFor });
    refused = edited.refused;
    return edited.completed;
  });
  await reportRefused(job, refused);
  return afterCompletion(job, completed);
}

/**
 * As `createVersion`, by a request that waits for it: no task holds the repository, a short lock on
 * its row does. Only for types that do nothing `onNewVersion`, since that is the work of a task.
 *
 * @throws what `createVersion` throws; `repositoryErrors.busy` beside a task that fills a version,
 *   `refused` if the repository does not take one of the units.
 */
export async function commitVersion(
  author: VersionAuthor,
  repositoryId: string,
  edit: EditSource,
): Promise<VersionRef | undefined> {
  const { ctx, caller } = author;
  if (typeof edit !== "function") await admitAdded(author, repositoryId, edit);
  const completed = await inTransaction(ctx, undefined, async (trx) => {
    const edited = await editLatest(author, trx, { repositoryId, edit, stateOf: stateBeside });
    const type = edited.completed?.repository.type;
    if (type !== undefined && ctx.plugins.repositoryType(type).onNewVersion)
      throw new Error(`A version of ${type} needs a task.`);
    const reasons = edited.refused.map(({ name, reason }) => `${name}: ${reason}`);
    if (reasons.length > 0) throw repositoryErrors.refused(reasons);
    return edited.completed;
  });
  if (!completed) return undefined;
  const { repository, version, announced } = completed;
  announceContent(ctx, caller.domain, announced);
  if (repository.retainRepoVersions !== null) await applyRetention(ctx, repository.id);
  return version;
}

/** Scans what is added before anybody waits for the repository, where that is known so early. */
async function admitAdded(
  author: VersionAuthor & { readonly signal?: AbortSignal },
  repository: string,
  { add }: Pick<VersionEdit, "add">,
): Promise<void> {
  const { ctx, caller, signal = new AbortController().signal } = author;
  await admitUnits(ctx, caller.domain, { repository, units: { ids: add }, signal });
}

interface LatestEdit {
  readonly repositoryId: string;
  readonly edit: EditSource;
  readonly stateOf: typeof stateFor;
}

interface Edited {
  readonly refused: readonly Refusal[];
  readonly completed: Completed | undefined;
}

/** Locks the repository, then makes and completes its next version. */
async function editLatest(
  author: VersionAuthor,
  trx: Trx,
  { repositoryId, edit, stateOf }: LatestEdit,
): Promise<Edited> {
  const { ctx, caller } = author;
  const repository = await lockForVersion(trx, caller.domain, repositoryId);
  const asked = normalEdit(typeof edit === "function" ? await edit(trx, repository) : edit);
  if (typeof edit === "function") await admitAdded(author, repositoryId, asked);
  const { add, refused } = await admit(ctx, trx, { ...asked, repository });
  const wanted = { ...asked, add };
  const state = await stateOf(trx, repository, wanted);
  if (!state.hasWork) return { refused, completed: undefined };
  const draft = await insertDraft(author, trx, repository, wanted.baseVersion);
  const change = { draft, edit: wanted, ...(state.base ? { base: state.base } : {}) };

  const { missing, duplicates, conflicts } = await closeForEdit(trx, change);
  if (missing) throw repositoryErrors.missingUnits(missing);
  if (duplicates > 0) throw duplicatesError(ctx, draft, duplicates);
  const [first] = conflicts;
  if (first) throw repositoryErrors.overwrite(ctx.plugins.contentTypeName(first.type), conflicts);
  await insertForEdit(trx, change);
  const completed = await finish(author, trx, { draft, repository, before: state.counts });
  return { refused, completed };
}

function duplicatesError(ctx: Ctx, draft: OpenDraft, count: number): Error {
  const { name } = draft.repository;
  ctx.log
    .of(draft.correlationId)
    .warn(`${count} units that repository '${name}' shall add share a slot with another one.`);
  return repositoryErrors.duplicates(count, draft.correlationId);
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
    await admitUnits(ctx, draft.domain, {
      ...{ repository: draft.repository.id, units: { version: draft.versionId } },
      signal: job.signal,
    });
    const completed = await inTransaction(ctx, undefined, async (trx) => {
      const repository = await lockForVersion(trx, draft.domain, draft.repository.id);
      const before = await countsOfLatest(trx, draft);
      if (draft.isMirror) await closeUnseen(trx, draft);
      return finish(job, trx, { draft, repository, before });
    });
    await reportRefused(job, draft.refused);
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

interface Finish {
  readonly draft: OpenDraft;
  readonly repository: RepositoryFacts;
  readonly before: VersionCounts;
}

/** Rules, checks and the instant of visibility; a draft that changed nothing is removed. */
async function finish(
  author: VersionAuthor,
  trx: Trx,
  { draft, repository, before }: Finish,
): Promise<Completed | undefined> {
  const type = author.ctx.plugins.repositoryType(repository.type);
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
    const contentType = author.ctx.plugins.contentType(name);
    if (contentType.slotIsPath) await checkPaths(trx, draft, contentType);
  }
  await publishRows(trx, draft, { before, change });
  if (!repository.isHidden) await recordCreated(author, trx, draft);
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

const recordCreated = (author: VersionAuthor, trx: Trx, draft: OpenDraft): Promise<void> =>
  author.created(createdVersion(author.ctx, draft), trx);

/** A version as tasks list what they made. */
export function createdVersion(
  { plugins }: Pick<Ctx, "plugins">,
  { repository, versionId, n }: Draft,
): CreatedResource {
  const { path } = plugins.entity("repository", repository.type);
  return {
    model: "core.RepositoryVersion",
    object: versionId,
    path: `${path}/${repository.id}/versions/${n}/`,
  };
}

/** What follows the commit: caches, autopublish, then retention. */
async function afterCompletion(
  job: Job,
  completed: Completed | undefined,
): Promise<VersionRef | undefined> {
  if (!completed) return undefined;
  const { ctx, caller } = job;
  const { repository, version, announced } = completed;
  announceContent(ctx, caller.domain, announced);
  await ctx.plugins.repositoryType(repository.type).onNewVersion?.(job, version);
  if (repository.retainRepoVersions !== null) await applyRetention(ctx, repository.id);
  return version;
}
