import type { ReceivedFile } from "#core/artifacts/commands.ts";
import { dispatch } from "#core/tasks/commands.ts";
import { inTransaction } from "#core/transaction.ts";
import { assertComplete, createUpload, deleteUpload, putChunk } from "#core/uploads/commands.ts";
import { commitUpload } from "#core/uploads/tasks.ts";
import { resourcePrn } from "../kit/api-index.ts";
import type { Run } from "../kit/call.ts";
import { datetime, file, integer, list, text } from "../kit/fields.ts";
import { integerFilters } from "../kit/filters/lookups.ts";
import { keyOf } from "../kit/present.ts";
import {
  type Action,
  defineResource,
  FieldProblem,
  type Made,
  type Resource,
} from "../kit/resource.ts";
import { roleActions } from "./role-actions.ts";

/** One chunk; its place is in the header, as the client of a resumed upload knows it. */
const putAction: Action = {
  name: "update",
  method: "PUT",
  on: "object",
  path: "",
  header: { "Content-Range": { type: "string", required: true } },
  body: {
    schema: "UploadChunk",
    fields: {
      file: file({ required: true, writeOnly: true }),
      sha256: text({ nullable: true, writeOnly: true }),
    },
    hasFile: true,
  },
  answers: { 200: "UploadResponse" },
  async run({ ctx, caller, request }, values, row) {
    const uploadId = String(keyOf(row));
    await putChunk(ctx, caller.domain, {
      uploadId,
      contentRange: request.headers["content-range"],
      file: values.file as ReceivedFile,
      ...(typeof values.sha256 === "string" ? { sha256: values.sha256 } : {}),
    });
    return { kind: "object", id: uploadId, status: 200 };
  },
};

function checkSha256(value: string): string {
  if (!/^[0-9a-f]{64}$/i.test(value)) throw new FieldProblem("Enter 64 hexadecimal digits.");
  return value.toLowerCase();
}

/** What is missing is told at once; what is wrong, by the task. */
const commitAction: Action = {
  name: "commit",
  method: "POST",
  on: "object",
  body: {
    schema: "UploadCommit",
    fields: { sha256: text({ required: true, check: checkSha256 }) },
  },
  answers: { 202: "AsyncOperationResponse" },
  async run({ ctx, caller }, { sha256 }, row) {
    const uploadId = String(keyOf(row));
    await assertComplete(ctx, caller.domain, uploadId);
    const { id } = await dispatch(ctx, {
      task: commitUpload,
      input: { uploadId, sha256: String(sha256) },
      caller,
      exclusive: [resourcePrn(upload, uploadId)],
    });
    return { kind: "task", task: id };
  },
};

const create = ({ ctx, caller }: Run, sizeBytes: number, made: Made): Promise<string> =>
  inTransaction(ctx, undefined, async (trx) => {
    const { id } = await createUpload(ctx, caller.domain, { sizeBytes }, trx);
    await made(trx, id);
    return id;
  });

export const upload: Resource = defineResource({
  path: "uploads",
  label: "core",
  model: "Upload",
  title: "upload",
  key: "uuid",
  source: { from: "upload e" },
  schemas: { read: "UploadDetail" },
  fields: {
    size: {
      ...integer({ required: true }),
      accepts: { type: "integer", format: "int64", minimum: 0 },
    },
    // Described, and never sent.
    completed: datetime({ readOnly: true, hidden: true, sql: false }),
  },
  detail: {
    chunks: {
      ...list({ ref: "UploadChunkResponse" }, { readOnly: true }),
      sql: `(select coalesce(jsonb_agg(jsonb_build_object('offset', c.start, 'size', c.size)
        order by c.start), '[]') from upload_chunk c where c.upload = e.id)`,
    },
  },
  filters: integerFilters("size", "e.size", ["exact", "gt", "lt", "range"]),
  orderings: {
    pulp_created: "e.created",
    pulp_id: "e.id",
    pulp_last_updated: "e.updated",
    size: "e.size",
  },
  operations: {
    list: true,
    read: true,
    create: { mode: "sync", apply: (run, { size }, made) => create(run, Number(size), made) },
    delete: {
      mode: "sync",
      apply: ({ ctx, caller }, row) => deleteUpload(ctx, caller.domain, String(keyOf(row))),
    },
  },
  actions: [putAction, commitAction, ...roleActions("core.Upload", { schema: "Upload" })],
});
