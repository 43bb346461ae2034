import { Type } from "@sinclair/typebox";
import { advisories, defineTask } from "#sdk";
import { synchronize } from "./mirror/sync.ts";
import { publishVersion } from "./publish.ts";
import { repairMetadata } from "./repair/metadata.ts";
import { latestVersion, versionById } from "./repository.ts";

const id = Type.String();

export const syncPackages = defineTask({
  name: "pulp_python.app.tasks.sync.sync",
  label: "python",
  input: Type.Object({ repository: id, remote: id, mirror: Type.Boolean() }),
  async run(job, input) {
    await synchronize(job, input);
    return null;
  },
});

export const publishPackages = defineTask({
  name: "pulp_python.app.tasks.publish.publish",
  label: "python",
  input: Type.Object({ version: id }),
  async run(job, { version }) {
    await publishVersion(job, await versionById(job.ctx.db, job.caller.domain, version));
    return null;
  },
});

export const repairPackages = defineTask({
  name: "pulp_python.app.tasks.repair.repair",
  label: "python",
  input: Type.Object({ repository: id }),
  async run(job, { repository }) {
    await repairMetadata(job, await latestVersion(job.ctx.db, job.caller.domain, repository));
    return null;
  },
});

/** Asks what is known about the packages of a version, and keeps it with them (core-content §16). */
export const scanPackages = defineTask({
  name: "pulpcore.app.tasks.vulnerability_report.check_content",
  label: "python",
  input: Type.Object({ version: id }),
  async run(job, { version }) {
    const { domain } = job.caller;
    const { id, number, repository } = await versionById(job.ctx.db, domain, version);
    await advisories.scanVersion(job, {
      ...{ id, number, domain: domain.num, repository: repository.num, type: repository.type },
    });
    return null;
  },
});
