import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import { rethrow } from "../constraints.ts";
import type { Caller, Ctx, DomainRef, Executor, Trx } from "../ctx.ts";
import { announce, announceAfterCommit } from "../distributions/commands.ts";
import { report } from "../events/commands.ts";
import type { RepositoryRef } from "../plugin-contract.ts";
import { hidePublications } from "../publications/commands.ts";
import { inTransaction } from "../transaction.ts";
import { repositoryConstraints, repositoryErrors } from "./errors.ts";
import { lockRepository } from "./queries.ts";
import { applyRetention } from "./retention.ts";
import type { NewRepository, RepositoryFacts, RepositoryPatch } from "./types.ts";

export { addMembers, discardVersion, openVersion, removeMembers } from "./drafts.ts";
export { growth } from "./growth.ts";
export { applyRetention, deleteVersion } from "./retention.ts";
export { commitVersion, completeVersion, createVersion } from "./versions.ts";

/** Memberships that one transaction deletes. */
const DELETE_CHUNK = 10_000;

/**
 * Makes a repository with its version 0, complete and empty, in one statement.
 *
 * @throws `ValidationError` with the wire's text when the name is taken or the remote is unknown.
 */
export async function createRepository(
  ctx: Ctx,
  input: NewRepository,
  trx?: Trx,
): Promise<RepositoryRef> {
  const { domain, type, name } = input;
  const id = uuid7();
  const { rows } = await sql<{ num: number }>`
    with made as (
      insert into repository (id, domain, type, name, description, labels, retain_repo_versions,
        retain_checkpoints, remote, user_hidden)
      values (${id}, ${domain.num}, ${type}, ${name}, ${input.description ?? null},
        ${JSON.stringify(input.labels ?? {})}::jsonb, ${input.retainRepoVersions ?? null},
        ${input.retainCheckpoints ?? null}, ${input.remote ?? null}, ${input.userHidden ?? false})
      returning num, domain)
    insert into repository_version (id, domain, repository, number, complete)
    select ${uuid7()}::uuid, domain, num, 0, true from made
    returning repository as num`
    .execute(trx ?? ctx.db)
    .catch(rethrow(repositoryConstraints));
  const [row] = rows;
  if (!row) throw repositoryErrors.gone();
  if (!input.userHidden) {
    const by = input.by ? { by: input.by } : {};
    report(ctx, { kind: "repository", action: "created", domain, type, name, ...by }, trx);
  }
  return { num: row.num, id, domain: domain.num, type, name };
}

/**
 * Changes the fields that are given; then deletes what a lower retention no longer keeps. With
 * `trx` the caller does the latter after its commit: `applyRetention(ctx, id)`.
 */
export async function updateRepository(
  ctx: Ctx,
  change: { readonly domain: DomainRef; readonly id: string; readonly patch: RepositoryPatch },
  trx?: Trx,
): Promise<void> {
  const { domain, id, patch } = change;
  const { numUpdatedRows } = await (trx ?? ctx.db)
    .updateTable("repository")
    .set({
      name: patch.name,
      description: patch.description,
      labels: patch.labels && JSON.stringify(patch.labels),
      retain_repo_versions: patch.retainRepoVersions,
      retain_checkpoints: patch.retainCheckpoints,
      remote: patch.remote,
      updated: sql`clock_timestamp()`,
    })
    .where("domain", "=", domain.num)
    .where("id", "=", id)
    .executeTakeFirst()
    .catch(rethrow(repositoryConstraints));
  if (numUpdatedRows === 0n) throw repositoryErrors.gone();
  if (!trx) await applyRetention(ctx, id);
}

/**
 * Deletes a repository. First its distributions lose their source, so that nobody is served a part
 * of it; then the members go in batches, the last of them together with the row.
 *
 * @param place the caller, or the domain where nobody asked for it
 */
export async function deleteRepository(
  ctx: Ctx,
  place: { readonly domain: DomainRef } & Partial<Caller>,
  id: string,
): Promise<void> {
  const { domain } = place;
  const { repository, announced } = await inTransaction(ctx, undefined, async (trx) => {
    const found = await lockRepository(trx, id);
    if (!found || found.domain !== domain.num) throw repositoryErrors.gone();
    return { repository: found, announced: await detachDistributions(trx, domain, found) };
  });
  announceAfterCommit(ctx, domain, announced);
  await hidePublications(ctx, domain, { repositoryNum: repository.num });
  await deleteMostMembers(ctx, repository.num);
  await inTransaction(ctx, undefined, async (trx) => {
    await deleteMembers(trx, repository.num);
    await sql`
      delete from version_kept where version in (
        select id from repository_version where repository = ${repository.num})`.execute(trx);
    await sql`delete from repository where num = ${repository.num}`.execute(trx);
    if (repository.isHidden) return;
    const { type, name } = repository;
    const by = isCaller(place) ? { by: place } : {};
    report(ctx, { kind: "repository", action: "deleted", domain, type, name, ...by }, trx);
  });
}

const isCaller = (place: Partial<Caller>): place is Caller => place.correlationId !== undefined;

async function detachDistributions(
  trx: Trx,
  domain: DomainRef,
  repository: RepositoryFacts,
): Promise<readonly string[]> {
  const versions = sql`select id from repository_version where repository = ${repository.num}`;
  const publications = sql`select p.id from publication p where p.version in (${versions})`;
  const { rows } = await sql<{ id: string }>`
    with named as materialized (
      select id from distribution where domain = ${domain.num} and repository = ${repository.id}
      union select id from distribution where domain = ${domain.num} and version in (${versions})
      union select id from distribution
        where domain = ${domain.num} and publication in (${publications})),
    records as (
      delete from distributed_publication where publication in (${publications})
      returning distribution),
    detached as (
      update distribution d set repository = null, version = null, publication = null
      from named where d.id = named.id)
    select id from named union select distribution from records`.execute(trx);
  return announce(trx, domain, { distributions: rows.map((row) => row.id) });
}

/** Leaves what one transaction deletes, so that a crash leaves a small repository as it was. */
async function deleteMostMembers({ db }: Ctx, repository: number): Promise<void> {
  for (;;) {
    const { rows } = await sql`
      select from membership where repository = ${repository} offset ${DELETE_CHUNK} limit 1`.execute(
      db,
    );
    if (rows.length === 0) return;
    await deleteMembers(db, repository);
  }
}

/** As many as one transaction deletes. */
async function deleteMembers(db: Executor, repository: number): Promise<void> {
  await sql`
    with gone as (
      delete from membership where ctid = any(array(
        select ctid from membership where repository = ${repository} limit ${DELETE_CHUNK}))
      returning domain, content)
    insert into orphan_candidate (domain, content)
    select distinct domain, content from gone on conflict do nothing`.execute(db);
}
