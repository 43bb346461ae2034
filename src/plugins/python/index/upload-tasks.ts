import { setTimeout as sleep } from "node:timers/promises";
import { Type } from "@sinclair/typebox";
import { defineTask, type Job, pushes } from "#sdk";
import { pythonPackage, pythonProvenance } from "../content.ts";
import { joinVersion } from "./join-version.ts";
import { takeGroup } from "./upload-sessions.ts";

/** A file that was uploaded: its unit, and that of its attestations. */
const units = { package: Type.String(), provenance: Type.Union([Type.String(), Type.Null()]) };

/** Adds an uploaded file to the repository of its index, together with others that wait for it. */
export const addUpload = defineTask({
  name: "pulp_python.app.tasks.upload.upload",
  label: "python",
  input: Type.Object({
    repository: Type.String(),
    ...units,
    /** A file of that name gives way. */
    overwrite: Type.Optional(Type.Boolean()),
  }),
  immediate: true,
  async run(job, { repository, package: file, provenance, overwrite = false }) {
    // Clients take one of the created resources by its place (plugin-python §2.4).
    if (provenance === null) await created(job, pythonPackage, file);
    const add = provenance === null ? [file] : [file, provenance];
    const version = await joinVersion(job, repository, { add, overwrite });
    await pushes.finish(job, repository, version);
    if (provenance !== null) {
      await created(job, pythonPackage, file);
      await created(job, pythonProvenance, provenance);
    }
    return null;
  },
});

/** Adds the files of a session in one version, when nothing more has come for a while. */
export const addUploadGroup = defineTask({
  name: "pulp_python.app.tasks.upload.upload_group",
  label: "python",
  input: Type.Object({ repository: Type.String(), session: Type.String() }),
  async run(job, { repository, session }) {
    for (;;) {
      const group = await takeGroup(job.ctx, session);
      if (group === undefined) return null;
      if (group.dueMs <= 0) {
        for (const unit of group.packages) await created(job, pythonPackage, unit);
        const add = [...group.packages, ...group.provenances];
        const version = await joinVersion(job, repository, { add, overwrite: false });
        await pushes.finish(job, repository, version);
        return null;
      }
      await sleep(group.dueMs, undefined, { signal: job.signal });
    }
  },
});

const created = (job: Job, { model, path }: typeof pythonPackage, id: string): Promise<void> =>
  job.created({ model, object: id, path: `${path}/${id}/` });
