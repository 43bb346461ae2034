import { Type } from "@sinclair/typebox";
import { defineTask } from "#sdk";
import { versionResult } from "../version-result.ts";
import { synchronize } from "./sync.ts";

/** Makes a repository hold what a remote takes; the result is the new version, if there is one. */
export const syncImages = defineTask({
  name: "pulp_container.app.tasks.synchronize.synchronize",
  label: "container",
  input: Type.Object({
    repository: Type.String(),
    remote: Type.String(),
    mirror: Type.Boolean(),
    signedOnly: Type.Boolean(),
  }),
  async run(job, input) {
    const version = await synchronize(job, input);
    return version ? versionResult(job, version) : null;
  },
});
