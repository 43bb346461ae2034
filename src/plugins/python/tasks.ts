import { Type } from "@sinclair/typebox";
import { defineTask } from "#sdk";
import { publishVersion } from "./publish.ts";
import { versionById } from "./repository.ts";

const id = Type.String();

export const publishPackages = defineTask({
  name: "pulp_python.app.tasks.publish.publish",
  label: "python",
  input: Type.Object({ version: id }),
  async run(job, { version }) {
    await publishVersion(job, await versionById(job.ctx.db, job.caller.domain, version));
    return null;
  },
});
