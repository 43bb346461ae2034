import {
  type DomainRef,
  type Executor,
  type Job,
  type RepositoryType,
  type VersionRef,
  versions,
} from "#sdk";
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
  const version = await versions.latest(db, domain, repository);
  if (version === undefined) throw pythonErrors.noRepository(repository);
  return version;
}

/** @throws `pythonErrors.noVersion` */
export async function versionById(
  db: Executor,
  domain: DomainRef,
  id: string,
): Promise<VersionRef> {
  const version = await versions.byId(db, domain, id);
  if (version === undefined) throw pythonErrors.noVersion(id);
  return version;
}

async function autopublish(job: Job, version: VersionRef): Promise<void> {
  const { ctx, caller } = job;
  const row = await pythonRepositoryRow(ctx.db, caller.domain, version.repository.id);
  if (row.autopublish) await publishVersion(job, version);
}
