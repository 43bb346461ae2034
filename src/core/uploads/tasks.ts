import { Type } from "@sinclair/typebox";
import { defineTask } from "../plugin-contract.ts";
import { takeUpload } from "./assemble.ts";

/** Makes the artifact of a finished upload; the request names the upload as exclusive resource. */
export const commitUpload = defineTask({
  name: "pulpcore.app.tasks.upload.commit",
  label: "core",
  input: Type.Object({
    uploadId: Type.String(),
    sha256: Type.String({ pattern: "^[0-9a-fA-F]{64}$" }),
  }),
  async run(job, { uploadId, sha256 }) {
    const { ctx, caller, signal } = job;
    await takeUpload(ctx, caller.domain, uploadId, {
      sha256,
      mustBeNew: true,
      signal,
      finish: (trx, { id }) =>
        job.created({ model: "core.Artifact", object: id, path: `artifacts/${id}/` }, trx),
    });
    return null;
  },
});
