import type { DomainRef, Executor, Job, RepositoryType, VersionRef } from "#sdk";
import { fileErrors } from "./errors.ts";
import { publishVersion } from "./publish.ts";
import { fileDb } from "./tables.ts";

export const fileRepository: RepositoryType = {
  family: "repository",
  type: "file.file",
  model: "file.FileRepository",
  path: "repositories/file/file",
  contentTypes: ["file.file"],
  servesPublications: true,
  onNewVersion: autopublish,
  publish,
};

/** What the plugin knows of a repository. */
export interface FileRepositoryRow {
  readonly id: string;
  readonly autopublish: boolean;
  readonly manifest: string | null;
  readonly last_sync_details: object;
}

/** @throws `fileErrors.noRepository` */
export async function fileRepositoryRow(
  db: Executor,
  domain: DomainRef,
  id: string,
): Promise<FileRepositoryRow> {
  const row = await fileDb(db)
    .selectFrom("file_repository")
    .select(["id", "autopublish", "manifest", "last_sync_details"])
    .where("domain", "=", domain.num)
    .where("id", "=", id)
    .executeTakeFirst();
  if (row === undefined) throw fileErrors.noRepository(id);
  return row;
}

/** The newest version that is complete; every repository has one. */
export async function latestVersion(
  db: Executor,
  domain: DomainRef,
  repository: string,
): Promise<VersionRef> {
  const row = await versions(db, domain)
    .where("r.id", "=", repository)
    .orderBy("v.number", "desc")
    .executeTakeFirst();
  if (row === undefined) throw fileErrors.noRepository(repository);
  return versionRef(row);
}

/** @throws `fileErrors.noVersion` */
export async function versionById(
  db: Executor,
  domain: DomainRef,
  id: string,
): Promise<VersionRef> {
  const row = await versions(db, domain).where("v.id", "=", id).executeTakeFirst();
  if (row === undefined) throw fileErrors.noVersion(id);
  return versionRef(row);
}

const versions = (db: Executor, domain: DomainRef) =>
  db
    .selectFrom("repository_version as v")
    .innerJoin("repository as r", "r.num", "v.repository")
    .select(["v.id", "v.number", "v.domain", "r.num", "r.id as repository", "r.type", "r.name"])
    .where("v.domain", "=", domain.num)
    .where("v.complete", "=", true)
    .limit(1);

function versionRef(row: {
  readonly id: string;
  readonly number: number;
  readonly num: number;
  readonly repository: string;
  readonly type: string;
  readonly name: string;
  readonly domain: number;
}): VersionRef {
  const { id, number, repository, ...rest } = row;
  return { id, number, repository: { ...rest, id: repository } };
}

async function publish(job: Job, version: VersionRef): Promise<void> {
  const { ctx, caller } = job;
  const { manifest } = await fileRepositoryRow(ctx.db, caller.domain, version.repository.id);
  await publishVersion(job, { version, manifest });
}

async function autopublish(job: Job, version: VersionRef): Promise<void> {
  const { ctx, caller } = job;
  const row = await fileRepositoryRow(ctx.db, caller.domain, version.repository.id);
  if (row.autopublish) await publishVersion(job, { version, manifest: row.manifest });
}
