import type { Ctx, DomainRef, Trx } from "../ctx.ts";
import type { Job, RepositoryRef, VersionRef } from "../plugin-contract.ts";
import type {
  AddedMembers,
  NewRepository,
  OpenDraft,
  RepositoryPatch,
  VersionEdit,
} from "./types.ts";

/** Makes a repository with its version 0, complete and empty, in one statement. */
export declare function createRepository(
  ctx: Ctx,
  input: NewRepository,
  trx?: Trx,
): Promise<RepositoryRef>;

/** Changes the row; then, without `trx`, prunes what a lower retention no longer keeps. */
export declare function updateRepository(
  ctx: Ctx,
  change: { readonly domain: DomainRef; readonly id: string; readonly patch: RepositoryPatch },
  trx?: Trx,
): Promise<void>;

/** Children go first and in batches; distributions keep existing without a source. */
export declare function deleteRepository(ctx: Ctx, domain: DomainRef, id: string): Promise<void>;

/** `modify`: the next version in one transaction; undefined when the edit changes nothing. */
export declare function createVersion(
  job: Job,
  repositoryId: string,
  edit: VersionEdit,
): Promise<VersionRef | undefined>;

/** Starts a version for a sync; commits at once. A leftover of a crash is removed first. */
export declare function openVersion(
  job: Job,
  repositoryId: string,
  options?: { readonly mirror?: boolean },
): Promise<OpenDraft>;

/** Adds units; one of the same slot gives way. Adding a member changes nothing (and keeps it). */
export declare function addMembers(
  ctx: Ctx,
  draft: OpenDraft,
  ids: readonly string[],
): Promise<AddedMembers>;

/** Removes units; those that are no members are passed over. */
export declare function removeMembers(
  ctx: Ctx,
  draft: OpenDraft,
  ids: readonly string[],
): Promise<number>;

/**
 * Makes the draft visible: mirror, rules of the type, checks, counts, created resource; then
 * autopublish and retention. Undefined when nothing changed. Throws after removing the draft.
 */
export declare function completeVersion(
  job: Job,
  draft: OpenDraft,
): Promise<VersionRef | undefined>;

/** Removes a draft without a trace; for a sync that failed. */
export declare function discardVersion(ctx: Ctx, draft: OpenDraft): Promise<void>;

/** Squash: every other version keeps its members (data-model §6). */
export declare function deleteVersion(ctx: Ctx, versionId: string): Promise<void>;

/** Deletes what `retain_repo_versions` no longer keeps; returns the numbers, oldest first. */
export declare function applyRetention(ctx: Ctx, repositoryId: string): Promise<number[]>;
