import { Type } from "@sinclair/typebox";
import type { AcsRefresh, Caller } from "#sdk";
import { defineTask } from "#sdk";
import { publishVersion } from "./publish.ts";
import { versionById } from "./repository.ts";
import { synchronize } from "./sync.ts";
import { fileDb } from "./tables.ts";

const id = Type.String();

export const syncFiles = defineTask({
  name: "pulp_file.app.tasks.synchronizing.synchronize",
  label: "file",
  input: Type.Object({
    repository: id,
    remote: id,
    mirror: Type.Boolean(),
    optimize: Type.Optional(Type.Boolean()),
    url: Type.Optional(Type.String()),
    acs: Type.Optional(id),
  }),
  async run(job, input) {
    await synchronize(job, input);
    return null;
  },
});

export const publishFiles = defineTask({
  name: "pulp_file.app.tasks.publishing.publish",
  label: "file",
  input: Type.Object({
    version: id,
    manifest: Type.Union([Type.String(), Type.Null()]),
    checkpoint: Type.Optional(Type.Boolean()),
  }),
  async run(job, { version: versionId, manifest, checkpoint = false }) {
    const version = await versionById(job.ctx.db, job.caller.domain, versionId);
    await publishVersion(job, { version, manifest, checkpoint });
    return null;
  },
});

/** How alternate sources of files are refreshed: additive syncs that download no files. */
export const fileAcsRefresh = (
  caller: Caller,
  acs: string,
): AcsRefresh<typeof syncFiles.input> => ({
  caller,
  acs,
  repositoryType: "file.file",
  task: syncFiles,
  input: ({ repository, remote, url }) => ({ repository, remote, url, acs, mirror: false }),
  async createDetail(trx, repository, domain) {
    await fileDb(trx)
      .insertInto("file_repository")
      .values({
        id: repository,
        domain: domain.num,
        autopublish: false,
        manifest: null,
        last_sync_details: {},
      })
      .execute();
  },
});
