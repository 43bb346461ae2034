import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { CodedError, ValidationError } from "#base/errors.ts";
import {
  assertComplete,
  createUpload,
  deleteUpload,
  putChunk,
  takeUpload,
} from "#core/uploads/commands.ts";
import { uploadErrors } from "#core/uploads/errors.ts";
import { uploadById, uploadChunks } from "#core/uploads/queries.ts";
import { commitUpload } from "#core/uploads/tasks.ts";
import { createContext, type TestContextValue } from "../../support/context.ts";
import { createJob } from "../../support/job.ts";
import {
  assertSound,
  beatOfAnother,
  crashEverywhere,
  intents,
  objectOf,
  receive,
  sha256Of,
} from "../artifacts/support.ts";

type Range = readonly [start: number, bytes: Buffer];

async function put(
  world: TestContextValue,
  uploadId: string,
  [start, bytes]: Range,
  fields: { readonly contentRange?: string; readonly sha256?: string } = {},
): Promise<void> {
  await using file = await receive(world, bytes);
  const contentRange = `bytes ${start}-${start + bytes.length - 1}/*`;
  await putChunk(world.ctx, world.domain, { uploadId, file, contentRange, ...fields });
}

const chunkFiles = ({ mediaRoot }: TestContextValue): Promise<string[]> =>
  readdir(join(mediaRoot, "upload")).catch(() => []);

const text = (message: string) => (error: unknown) =>
  error instanceof ValidationError && JSON.stringify(error.detail).includes(message);

async function commit(world: TestContextValue, uploadId: string, sha256: string) {
  const job = createJob(world);
  await commitUpload.run(job, { uploadId, sha256 });
  return job;
}

test("chunks in any order, at the same time and sent again make one artifact", async (t) => {
  const world = await createContext(t);
  const { ctx, domain, mediaRoot } = world;
  const bytes = randomBytes(300_000);
  const { id } = await createUpload(ctx, domain, { sizeBytes: bytes.length });
  const part = (from: number, to: number): Range => [from, bytes.subarray(from, to)];
  await put(world, id, [100_000, randomBytes(50_000)]);
  await Promise.all(
    [part(200_000, 300_000), part(0, 100_000), part(100_000, 200_000), part(0, 100_000)].map((p) =>
      put(world, id, p),
    ),
  );
  assert.deepEqual(
    (await uploadChunks(ctx.db, id)).map(({ start, sizeBytes }) => [start, sizeBytes]),
    [0, 100_000, 200_000].map((start) => [start, 100_000]),
  );
  assert.equal((await chunkFiles(world)).length, 3);
  await assertSound(world);

  const job = await commit(world, id, sha256Of(bytes));

  const artifact = await ctx.db.selectFrom("artifact").select("id").executeTakeFirstOrThrow();
  assert.deepEqual(job.resources, [
    { model: "core.Artifact", object: artifact.id, path: `artifacts/${artifact.id}/` },
  ]);
  assert.deepEqual(await readFile(join(mediaRoot, objectOf(world, bytes))), bytes);
  await assert.rejects(uploadById(ctx.db, domain, id), uploadErrors.notFound.is);
  assert.deepEqual(await chunkFiles(world), []);
  await assertSound(world);
});

test("a chunk that is refused leaves the upload as it was", async (t) => {
  const world = await createContext(t);
  const { ctx, domain } = world;
  const { id } = await createUpload(ctx, domain, { sizeBytes: 10 });
  await put(world, id, [0, Buffer.from("01234")]);
  const before = await uploadChunks(ctx.db, id);
  const refused = [
    [{ contentRange: "5-9/10" }, "Invalid or missing content range header."],
    [{ contentRange: "bytes 5-8/10" }, "Chunk size does not match content range."],
    [{ contentRange: "bytes 6-10/11" }, "End byte is greater than upload size."],
    [{ sha256: sha256Of("other") }, "Checksum does not match chunk upload."],
  ] as const;
  for (const [fields, message] of refused)
    await assert.rejects(put(world, id, [5, Buffer.from("56789")], fields), text(message));
  await assert.rejects(
    put(world, crypto.randomUUID(), [5, Buffer.from("56789")]),
    uploadErrors.notFound.is,
  );
  assert.deepEqual(await uploadChunks(ctx.db, id), before);
  assert.equal((await chunkFiles(world)).length, 1);
  await assertSound(world);
});

test("overlapping chunks that agree make the file", async (t) => {
  const world = await createContext(t);
  const { ctx, domain } = world;
  const bytes = Buffer.from("the quick brown fox");
  const { id } = await createUpload(ctx, domain, { sizeBytes: bytes.length });
  for (const [from, to] of [
    [0, 8],
    [2, 6],
    [4, 19],
    [18, 19],
  ] as const)
    await put(world, id, [from, bytes.subarray(from, to)]);
  const artifact = await takeUpload(ctx, domain, id);
  assert.equal(artifact.sha256, sha256Of(bytes));
  await assertSound(world);
});

test("a commit that fails leaves the upload as it was", async (t) => {
  const world = await createContext(t);
  const { ctx, domain } = world;
  const { id } = await createUpload(ctx, domain, { sizeBytes: 10 });
  await put(world, id, [0, Buffer.from("0123")]);
  await put(world, id, [6, Buffer.from("6789")]);
  const hole = text("The upload is incomplete. Missing bytes: 4-5.");
  await assert.rejects(assertComplete(ctx, domain, id), hole);
  await assert.rejects(commit(world, id, sha256Of("0123456789")), hole);

  await put(world, id, [4, Buffer.from("45")]);
  await assertComplete(ctx, domain, id);
  const checksum = (error: unknown) =>
    error instanceof CodedError && error.message === "The sha256 checksum did not match.";
  await assert.rejects(commit(world, id, sha256Of("other")), checksum);
  assert.equal((await uploadChunks(ctx.db, id)).length, 3);
  await assertSound(world);

  await commit(world, id, sha256Of("0123456789"));
  await assert.rejects(commit(world, id, sha256Of("0123456789")), uploadErrors.notFound.is);
  await assertSound(world);
});

test("bytes that are stored are refused by commit and found by content creation", async (t) => {
  const world = await createContext(t);
  const { ctx, domain } = world;
  const sha256 = sha256Of("same");
  const upload = async () => {
    const { id } = await createUpload(ctx, domain, { sizeBytes: 4 });
    await put(world, id, [0, Buffer.from("same")]);
    return id;
  };
  await commit(world, await upload(), sha256);
  const again = await upload();
  const exists = `Artifact with sha256 checksum of '${sha256}' already exists.`;
  await assert.rejects(
    commit(world, again, sha256),
    (error) => error instanceof CodedError && error.message === exists,
  );
  assert.equal((await uploadChunks(ctx.db, again)).length, 1);
  assert.equal((await takeUpload(ctx, domain, again)).isNew, false);
  assert.deepEqual(await chunkFiles(world), []);
  await assertSound(world);
});

test("an empty upload is an empty file", async (t) => {
  const world = await createContext(t);
  const { id } = await createUpload(world.ctx, world.domain, { sizeBytes: 0 });
  assert.equal((await takeUpload(world.ctx, world.domain, id)).sha256, sha256Of(""));
  await assertSound(world);
});

test("removing an upload removes its chunks; nobody else's domain has it", async (t) => {
  const world = await createContext(t);
  const { ctx, domain } = world;
  const { id } = await createUpload(ctx, domain, { sizeBytes: 10 });
  await put(world, id, [0, Buffer.from("01234")]);
  await assert.rejects(
    deleteUpload(ctx, { ...domain, num: domain.num + 1 }, id),
    uploadErrors.notFound.is,
  );
  await deleteUpload(ctx, domain, id);
  assert.deepEqual(await chunkFiles(world), []);
  await assert.rejects(deleteUpload(ctx, domain, id), uploadErrors.notFound.is);
  await assertSound(world);
});

test("a crash at any point of an upload loses no chunk and leaks none", async (t) => {
  const world = await createContext(t);
  const { ctx, domain } = world;
  const points = await crashEverywhere(
    async (attempt) => {
      const bytes = Buffer.from(`upload ${attempt}`);
      const { id } = await createUpload(ctx, domain, { sizeBytes: bytes.length });
      for (const [from, to] of [
        [0, 3],
        [0, 3],
        [3, bytes.length],
      ] as const) {
        const file = await receive(world, bytes.subarray(from, to));
        const contentRange = `bytes ${from}-${to - 1}/*`;
        await putChunk(ctx, domain, { uploadId: id, file, contentRange });
      }
      await takeUpload(ctx, domain, id, { sha256: sha256Of(bytes) });
    },
    async (point) => {
      await beatOfAnother(world);
      assert.deepEqual(await intents(ctx), [], point);
      await assertSound(world);
    },
  );
  for (const point of [
    "chunk.announced",
    "chunk.placed",
    "chunk.recorded",
    "upload.saved",
    "upload.removed",
  ])
    assert.ok(points.includes(point), point);
});
