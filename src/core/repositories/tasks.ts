import { Type } from "@sinclair/typebox";
import { defineTask } from "../plugin-contract.ts";
import { createVersion, deleteVersion } from "./commands.ts";

const id = Type.String();

/** `modify` (core-rest §8.3); the ids are `content.id`s and `repository_version.id`. */
export const addAndRemove = defineTask({
  name: "pulpcore.app.tasks.repository.add_and_remove",
  label: "core",
  input: Type.Object({
    repository: id,
    add: Type.Array(id),
    remove: Type.Union([Type.Array(id), Type.Literal("*")]),
    baseVersion: Type.Optional(id),
    overwrite: Type.Optional(Type.Boolean()),
  }),
  async run(job, { repository, ...edit }) {
    await createVersion(job, repository, edit);
    return null;
  },
});

/** Deletes one version; the others keep their members. */
export const deleteVersionTask = defineTask({
  name: "pulpcore.app.tasks.repository.delete_version",
  label: "core",
  input: Type.Object({ version: id }),
  async run(job, { version }) {
    await deleteVersion(job.ctx, job.caller.domain, version);
    return null;
  },
});

export const coreRepositoryTasks = [addAndRemove, deleteVersionTask] as const;
