import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import type { Algorithm } from "#base/digests.ts";
import type { JsonObject } from "#base/json.ts";
import { uuid7 } from "#base/uuid7.ts";
import { createFileSystemStorage } from "#platform/storage/file-system.ts";
import { createS3Storage } from "#platform/storage/s3/s3.ts";
import type { Storage } from "#platform/storage/storage.ts";
import { get, put, storageContract } from "../contract/storage.ts";
import { type S3Server, startS3 } from "./support/s3-server.ts";
import { startStrictS3 } from "./support/strict-s3.ts";

const stack = new AsyncDisposableStack();
let server: S3Server;
let strict: S3Server;

before(async () => {
  server = stack.use(await startS3());
  strict = stack.use(await startStrictS3());
});
after(() => stack.disposeAsync());

async function createStore(
  t: TestContext,
  more: JsonObject = {},
  algorithms: readonly Algorithm[] = ["sha256"],
): Promise<Storage> {
  const root = await mkdtemp(join(tmpdir(), "deckle-s3-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  const own = { root, algorithms, fileMode: null, directoryMode: null, processId: uuid7() };
  const options = { ...(await server.bucket()), ...more };
  return createS3Storage({ options, local: createFileSystemStorage(own) });
}

storageContract("S3", (t, algorithms) => createStore(t, {}, algorithms), { hasNames: false });
storageContract(
  "S3 below a location, in parts",
  (t, algorithms) =>
    createStore(t, { location: "/a/b/", transfer_config: { multipart_threshold: 1 } }, algorithms),
  { hasNames: false },
);
storageContract(
  "S3 where signatures and checksums are checked",
  async (t, algorithms) => createStore(t, await strict.bucket(), algorithms),
  { hasNames: false },
);
storageContract(
  "S3 where signatures and checksums are checked, in parts",
  async (t, algorithms) =>
    createStore(
      t,
      { ...(await strict.bucket()), transfer_config: { multipart_threshold: 1 } },
      algorithms,
    ),
  { hasNames: false },
);

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

test("a file of several parts arrives whole", async (t) => {
  const store = await createStore(t);
  const bytes = randomBytes(19 * 1024 * 1024 + 1);
  await put(store, "artifact/aa/large", bytes);
  assert.equal(sha256(await get(store, "artifact/aa/large")), sha256(bytes));
});

test("a signed address gives the bytes under the wanted name, for its method only", async (t) => {
  const store = await createStore(t);
  const bytes = randomBytes(1000);
  await put(store, "artifact/aa/x", bytes);
  const wanted = { fileName: "x 1.iso", contentType: "application/x-iso" };

  const address = (await store.redirect("artifact/aa/x", { method: "GET", ...wanted })) ?? "";
  const answer = await fetch(address);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-disposition"), "attachment;filename=x 1.iso");
  assert.equal(answer.headers.get("content-type"), "application/x-iso");
  assert.deepEqual(Buffer.from(await answer.arrayBuffer()), bytes);

  const { searchParams } = new URL(address);
  assert.equal(searchParams.get("X-Amz-Expires"), "3600");
  assert.equal(searchParams.get("X-Amz-Algorithm"), "AWS4-HMAC-SHA256");
  const head = (await store.redirect("artifact/aa/x", { method: "HEAD", ...wanted })) ?? "";
  assert.notEqual(
    new URL(head).searchParams.get("X-Amz-Signature"),
    searchParams.get("X-Amz-Signature"),
  );
});

test("uploads in parts that were given up are taken back when they are old and ours", async (t) => {
  const settings = await strict.bucket();
  const store = await createStore(t, { ...settings, location: "deep" });
  const client = clientOf(settings);
  t.after(() => client.destroy());
  const Bucket = settings.bucket_name;
  const ours = `deep/artifact/ab/${"c".repeat(62)}`;
  const others = ["elsewhere/x", `artifact/ab/${"c".repeat(62)}`, "deep/artifact/ab/short"];
  for (const Key of [ours, ...others])
    await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const keys = async () => {
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
    return Uploads.map(({ Key }) => Key).sort();
  };

  assert.equal(await store.sweep?.(Date.now() - 3_600_000), 0);
  assert.equal((await keys()).length, 4);
  assert.equal(await store.sweep?.(Date.now() + 3_600_000), 1);
  assert.deepEqual(await keys(), [...others].sort());
});

const clientOf = (settings: Readonly<Record<string, string>>) =>
  new S3Client({
    endpoint: settings.endpoint_url ?? "",
    region: "us-east-1",
    forcePathStyle: true,
    credentials: {
      accessKeyId: settings.access_key ?? "",
      secretAccessKey: settings.secret_key ?? "",
    },
  });

test("a server that is away is told as the object store, within its tries", async (t) => {
  const store = await createStore(t, { endpoint_url: "http://127.0.0.1:9" });
  await assert.rejects(store.stat("a"), { code: "storage-unavailable", status: 503 });
});

test("a bucket that there is not is told when something is put there", async (t) => {
  const store = await createStore(t, { bucket_name: "no-such-bucket" });
  await assert.rejects(put(store, "a/b", Buffer.from("x")), /NoSuchBucket, status 404/);
});
