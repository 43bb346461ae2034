import type { DomainRef, Executor, Job, RepositoryType, VersionRef } from "#sdk";
import { admitPackages } from "./admission.ts";
import { pythonErrors } from "./errors.ts";
import { publishVersion } from "./publish.ts";
import { pythonDb } from "./tables.ts";

export const pythonRepository: RepositoryType = {
  family: "repository",
  type: "python.python",
  model: "python.PythonRepository",
  path: "repositories/python/python",
  contentTypes: ["python.python", "python.provenance", "python.python_yank"],
  servesPublications: false,
  admit: admitPackages,
  onNewVersion: autopublish,
  publish: async (job, version) => {
    await publishVersion(job, version);
  },
};

/** What the plugin knows of a repository. */
export interface PythonRepositoryRow {
  readonly autopublish: boolean;
  /** Whether a file may give way to another one of its name. */
  readonly allow_package_substitution: boolean;
  /** Whether one refused package fails all. */
  readonly error_on_reject: boolean;
}

/** @throws `pythonErrors.noRepository` */
export async function pythonRepositoryRow(
  db: Executor,
  domain: DomainRef,
  id: string,
): Promise<PythonRepositoryRow> {
  const row = await pythonDb(db)
    .selectFrom("python_repository")
    .select(["autopublish", "allow_package_substitution", "error_on_reject"])
    .where("domain", "=", domain.num)
    .where("id", "=", id)
    .executeTakeFirst();
  if (row === undefined) throw pythonErrors.noRepository(id);
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
  if (row === undefined) throw pythonErrors.noRepository(repository);
  return versionRef(row);
}

/** @throws `pythonErrors.noVersion` */
export async function versionById(
  db: Executor,
  domain: DomainRef,
  id: string,
): Promise<VersionRef> {
  const row = await versions(db, domain).where("v.id", "=", id).executeTakeFirst();
  if (row === undefined) throw pythonErrors.noVersion(id);
  return versionRef(row);
}

async function autopublish(job: Job, version: VersionRef): Promise<void> {
  const { ctx, caller } = job;
  const row = await pythonRepositoryRow(ctx.db, caller.domain, version.repository.id);
  if (row.autopublish) await publishVersion(job, version);
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
