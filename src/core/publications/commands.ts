import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import { rethrow } from "../constraints.ts";
import type { Ctx, DomainRef, Trx } from "../ctx.ts";
import { announce, announceAfterCommit, recordServed } from "../distributions/commands.ts";
import { report } from "../events/commands.ts";
import type { Job } from "../plugin-contract.ts";
import { runCreationHooks } from "../policies/commands.ts";
import { inTransaction, retryOnConflict } from "../transaction.ts";
import { bundlePublication } from "./bundle.ts";
import { publicationConstraints, publicationErrors } from "./errors.ts";
import { lockPublication, type PublicationFacts, pathProblems } from "./queries.ts";
import type { NewPublication, PublicationRef, PublishedPath } from "./types.ts";

const CHUNK = 2000;
/** Paths that one transaction deletes: limits WAL and the time of locks. */
const DELETE_CHUNK = 10_000;

/**
 * Starts a publication; nobody sees it before it is complete. The task reports it in the same
 * transaction, so that one that is killed leaves nothing that is not known to be its own.
 */
export async function createPublication(
  job: Job,
  input: NewPublication,
  trx?: Trx,
): Promise<PublicationRef> {
  const { ctx } = job;
  if (!trx) return ctx.db.transaction().execute((own) => createPublication(job, input, own));
  const { domain, type, version } = input;
  const id = uuid7();
  await trx
    .insertInto("publication")
    .values({
      id,
      domain: domain.num,
      type,
      version,
      layout: input.layout ?? "rows",
      checkpoint: input.checkpoint ?? false,
    })
    .execute()
    .catch(rethrow(publicationConstraints));
  const { model, path } = ctx.plugins.entity("publication", type);
  await runCreationHooks(ctx, trx, {
    caller: job.caller,
    viewset: path,
    object: { model: model.toLowerCase(), id, domain: domain.num },
  });
  await job.created({ model, object: id, path: `${path}/${id}/` }, trx);
  return { id, domain, type, version };
}

/**
 * Adds paths, 2 000 per statement.
 *
 * @throws `publicationErrors.duplicatePaths` if the publication has one of them already.
 */
export async function addPaths(
  ctx: Ctx,
  publication: PublicationRef,
  paths: readonly PublishedPath[],
): Promise<void> {
  for (let start = 0; start < paths.length; start += CHUNK) {
    const chunk = paths.slice(start, start + CHUNK);
    const artifacts = chunk.map((path) => ("artifact" in path ? path.artifact : null));
    const files = chunk.map((path) => ("artifact" in path ? null : path.contentArtifact));
    await sql`
      insert into publication_path (publication, domain, relative_path, artifact, content_artifact)
      select ${publication.id}, ${publication.domain.num}, u.path, u.artifact, u.file
      from unnest(${chunk.map(({ relativePath }) => relativePath)}::text[], ${artifacts}::uuid[],
        ${files}::uuid[]) as u (path, artifact, file)`
      .execute(ctx.db)
      .catch(rethrow(publicationConstraints));
  }
}

/**
 * Checks the paths and makes the publication visible: distributions serve it from this instant, and
 * what they served before stays reachable for the grace period.
 *
 * @throws `publicationErrors.duplicatePaths`, `overlappingPath`, or what a store says that lists
 *   publications (`Storage.bundle`); the publication stays invisible and
 *   the caller deletes it.
 */
export async function completePublication(job: Job, publication: PublicationRef): Promise<void> {
  const { ctx } = job;
  const { domain, id } = publication;
  await bundlePublication(ctx, publication);
  const announced = await retryOnConflict(() =>
    ctx.db.transaction().execute(async (trx) => {
      const facts = await lockPublication(trx, domain, id);
      if (!facts) throw publicationErrors.gone();
      await checkPaths(trx, facts);
      await sql`
        update publication set complete = true, updated = clock_timestamp() where id = ${id}`.execute(
        trx,
      );
      await trimCheckpoints(trx, facts);
      await recordServed(ctx, trx, domain, { repository: facts.repository });
      return announce(trx, domain, { publications: [id] });
    }),
  );
  announceAfterCommit(ctx, domain, announced);
  const { type } = publication;
  report(ctx, { kind: "publication", action: "completed", domain, type, id, by: job.caller });
}

async function checkPaths(trx: Trx, publication: PublicationFacts): Promise<void> {
  const problems = await pathProblems(trx, publication);
  const equal = problems.filter(({ path, other }) => path === other).map(({ path }) => path);
  if (equal.length > 0) throw publicationErrors.duplicatePaths(equal);
  const [first] = problems;
  if (first) throw publicationErrors.overlappingPath(first.path, first.other);
}

/** The newest checkpoint publications of a repository keep the flag, the others lose it. */
export async function trimCheckpoints(
  trx: Trx,
  repository: { readonly repositoryNum: number; readonly retainCheckpoints: number | null },
): Promise<void> {
  const { repositoryNum, retainCheckpoints } = repository;
  if (retainCheckpoints === null) return;
  await sql`
    update publication set checkpoint = false, updated = clock_timestamp()
    where id in (
      select p.id from publication p join repository_version v on v.id = p.version
      where v.repository = ${repositoryNum} and p.complete and p.checkpoint
      order by p.created desc, p.id desc offset ${retainCheckpoints})`.execute(trx);
}

/** Removes a publication, complete or not; its distributions keep existing without it. */
export async function deletePublication(ctx: Ctx, domain: DomainRef, id: string): Promise<void> {
  const facts = await ctx.db.transaction().execute((trx) => lockPublication(trx, domain, id));
  if (!facts) throw publicationErrors.gone();
  await hidePublications(ctx, domain, { publication: id });
  await inTransaction(ctx, undefined, async (trx) => {
    await sql`delete from publication where domain = ${domain.num} and id = ${id}`.execute(trx);
    await recordServed(ctx, trx, domain, { repository: facts.repository });
  });
}

/** Which publications go: one, those of a version, or those of a repository (`repository.num`). */
export type PublicationSelector =
  | { readonly publication: string }
  | { readonly version: string }
  | { readonly repositoryNum: number };

/**
 * Takes publications out of sight in one transaction, then deletes their paths in batches, so that
 * nobody sees a publication with a part of its paths. The rows stay for the caller to delete.
 */
export async function hidePublications(
  ctx: Ctx,
  domain: DomainRef,
  selector: PublicationSelector,
): Promise<void> {
  const ids = publicationIds(domain, selector);
  const announced = await inTransaction(ctx, undefined, async (trx) => {
    const hidden = await sql<{ id: string }>`
      update publication set complete = false where id in (${ids}) and complete returning id`.execute(
      trx,
    );
    return announce(trx, domain, { publications: hidden.rows.map(({ id }) => id) });
  });
  announceAfterCommit(ctx, domain, announced);
  for (;;) {
    const { numAffectedRows } = await sql`
      delete from publication_path where ctid = any(array(
        select ctid from publication_path where publication in (${ids}) limit ${DELETE_CHUNK}))`.execute(
      ctx.db,
    );
    if (Number(numAffectedRows) < DELETE_CHUNK) return;
  }
}

function publicationIds(domain: DomainRef, selector: PublicationSelector) {
  const where =
    "publication" in selector
      ? sql`p.id = ${selector.publication}`
      : "version" in selector
        ? sql`p.version = ${selector.version}`
        : sql`p.version in (
            select id from repository_version where repository = ${selector.repositoryNum})`;
  return sql`select p.id from publication p where p.domain = ${domain.num} and ${where}`;
}

/** For types that write files for clients: a publication is begun, filled and completed, or deleted. */
export const publications = {
  create: createPublication,
  addPaths,
  complete: completePublication,
  delete: deletePublication,
} as const;
