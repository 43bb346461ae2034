import {
  type DomainRef,
  type Executor,
  type Job,
  type RepositoryType,
  type VersionRef,
  versions,
} from "#sdk";
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
  const version = await versions.latest(db, domain, repository);
  if (version === undefined) throw fileErrors.noRepository(repository);
  return version;
}

/** @throws `fileErrors.noVersion` */
export async function versionById(
  db: Executor,
  domain: DomainRef,
  id: string,
): Promise<VersionRef> {
  const version = await versions.byId(db, domain, id);
  if (version === undefined) throw fileErrors.noVersion(id);
  return version;
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
