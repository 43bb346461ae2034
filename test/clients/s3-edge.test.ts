import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { within } from "#base/ambient.ts";
import type { Algorithm } from "#base/digests.ts";
import type { JsonObject } from "#base/json.ts";
import { uuid7 } from "#base/uuid7.ts";
import { createFileSystemStorage } from "#platform/storage/file-system.ts";
import { createS3Storage } from "#platform/storage/s3/s3.ts";
import type { PlaceOptions, Storage } from "#platform/storage/storage.ts";
import { get, put, storageContract, write } from "../contract/storage.ts";
import { createApi } from "../support/api.ts";
import { startServer } from "../support/server.ts";
import { type Cdn, startCdn } from "./support/cdn.ts";
import { type S3Server, startS3 } from "./support/s3-server.ts";
import { startStrictS3 } from "./support/strict-s3.ts";

const EDGE = "pulp_service.app.storage.AIPCCStorageBackend";
const stack = new AsyncDisposableStack();
let server: S3Server;

before(async () => {
  server = stack.use(await startS3());
});
after(() => stack.disposeAsync());

/** Everybody may read what is put there, so that edges and tests need no account. */
const openBucket = async (): Promise<Record<string, string>> => ({
  ...(await server.bucket()),
  default_acl: "public-read",
});

interface Made {
  readonly store: Storage;
  readonly bucket: string;
}

async function createStore(
  t: TestContext,
  more: JsonObject = {},
  algorithms: readonly Algorithm[] = ["sha256"],
): Promise<Made> {
  const root = await mkdtemp(join(tmpdir(), "deckle-edge-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  const own = { root, algorithms, fileMode: null, directoryMode: null, processId: uuid7() };
  const options = { ...(await openBucket()), ...more };
  const local = createFileSystemStorage(own);
  const store = createS3Storage({ options, local, isMarked: true });
  return { store, bucket: `${server.url}/${options.bucket_name}` };
}

async function place(store: Storage, object: string, bytes: Buffer, options?: PlaceOptions) {
  const { file } = await write(store, bytes);
  await using _file = file;
  await store.place(file, object, options);
}

for (const [name, more] of [
  ["S3 behind edges", {}],
  ["S3 behind edges, in parts", { transfer_config: { multipart_threshold: 1 } }],
] as const)
  storageContract(name, async (t, algorithms) => (await createStore(t, more, algorithms)).store, {
    hasNames: false,
  });

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const marks = ({ headers }: Response) =>
  ["domain", "sha256", "correlation-id"].map((name) => headers.get(`x-amz-meta-pulp-${name}`));

for (const [how, size] of [
  ["whole", 1000],
  ["in parts", 9 * 1024 * 1024],
] as const)
  test(`an object that came ${how} says whose it is and who asked for it`, async (t) => {
    const { store, bucket } = await createStore(t);
    const bytes = randomBytes(size);
    await within({ correlationId: "0123abcd" }, () =>
      place(store, "artifact/aa/x", bytes, { domain: "team" }),
    );
    const told = await fetch(`${bucket}/artifact/aa/x`, { method: "HEAD" });
    assert.deepEqual(marks(told), ["team", sha256(bytes), "0123abcd"]);
    await place(store, "artifact/aa/y", bytes);
    const plain = await fetch(`${bucket}/artifact/aa/y`, { method: "HEAD" });
    assert.deepEqual(marks(plain), ["default", sha256(bytes), null]);
    const parts = /-(\d+)"$/.exec(told.headers.get("etag") ?? "")?.[1];
    assert.equal(parts, size > 8 * 1024 * 1024 ? "2" : undefined);
  });

for (const [how, size] of [
  ["whole", 1000],
  ["in parts", 9 * 1024 * 1024],
] as const)
  test(`an object that is there and ours is left alone; others are replaced, ${how}`, async (t) => {
    const { store, bucket } = await createStore(t);
    const [object, bytes] = ["artifact/aa/x", randomBytes(size)];
    const asked = () => fetch(`${bucket}/${object}`, { method: "HEAD" });
    await place(store, object, bytes, { domain: "first" });

    await place(store, object, bytes, { domain: "second" });
    assert.equal(marks(await asked())[0], "first");
    await place(store, object, bytes, { domain: "third", replaces: true });
    assert.equal(marks(await asked())[0], "third");
    const other = randomBytes(size);
    await place(store, object, other, { domain: "fourth" });
    assert.deepEqual(marks(await asked()).slice(0, 2), ["fourth", sha256(other)]);
    assert.deepEqual(await get(store, object), other);
    const uploads = await (await fetch(`${bucket}?uploads`)).text();
    assert.doesNotMatch(uploads, /<Upload>/);
  });

/** A bucket that everybody may read, with its network of edges. */
async function createEdge(t: TestContext): Promise<Made & { readonly cdn: Cdn }> {
  const settings = await openBucket();
  const cdn = await startCdn(`${server.url}/${settings.bucket_name}`);
  t.after(() => cdn[Symbol.asyncDispose]());
  return {
    ...(await createStore(t, { ...settings, ...cdn.options, querystring_expire: 60 })),
    cdn,
  };
}

test("a store that checks signatures takes each address for its method only", async (t) => {
  const strict = await startStrictS3();
  t.after(() => strict[Symbol.asyncDispose]());
  const { store } = await createStore(t, { ...(await strict.bucket()), default_acl: null });
  const bytes = randomBytes(1000);
  await put(store, "artifact/aa/x", bytes);
  const about = { fileName: "x.iso", contentType: "application/x-iso" };
  for (const [method, other] of [
    ["GET", "HEAD"],
    ["HEAD", "GET"],
  ] as const) {
    const address = (await store.redirect("artifact/aa/x", { method, ...about })) ?? "";
    const answer = await fetch(address, { method });
    assert.equal(answer.status, 200, address);
    assert.equal(answer.headers.get("content-disposition"), "attachment;filename=x.iso");
    assert.equal(answer.headers.get("content-type"), "application/x-iso");
    assert.equal((await fetch(address, { method: other })).status, 403);
    const elsewhere = address.replace("artifact/aa/x", "artifact/aa/y");
    assert.equal((await fetch(elsewhere, { method })).status, 403);
  }
});

test("the network of edges takes our signature, for GET and HEAD, and no other", async (t) => {
  const { store, cdn } = await createEdge(t);
  const bytes = randomBytes(1000);
  await put(store, "artifact/aa/x y", bytes);
  for (const method of ["GET", "HEAD"] as const) {
    const wanted = { method, fileName: "x 1.iso", contentType: "application/x-iso" };
    const address = (await store.redirect("artifact/aa/x y", wanted)) ?? "";
    assert.ok(address.startsWith(`http://${cdn.host}/artifact/aa/x%20y?response-content-`));
    assert.doesNotMatch(address, /Response[A-Z]/);
    assert.ok(cdn.admits(address), address);
    const answer = await fetch(address, { method });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-disposition"), "attachment;filename=x 1.iso");
    assert.equal(answer.headers.get("content-type"), "application/x-iso");
    const expires = Number(new URL(address).searchParams.get("Expires")) - Date.now() / 1000;
    assert.ok(expires > 0 && expires <= 61, String(expires));
    for (const [name, other] of [
      ["artifact/aa", "artifact/ab"],
      ["x+1.iso", "x+2.iso"],
      [/Expires=\d/, "Expires=9"],
      [/Signature=./, "Signature="],
    ] as const) {
      const changed = address.replace(name, other);
      assert.notEqual(changed, address);
      assert.equal((await fetch(changed, { method })).status, 403, String(name));
    }
  }
});

test("the content app sends clients to the edges; each object tells its request", async (t) => {
  const settings = await openBucket();
  const cdn = await startCdn(`${server.url}/${settings.bucket_name}`);
  t.after(() => cdn[Symbol.asyncDispose]());
  const options = Object.entries({ ...settings, ...cdn.options }).map(
    ([name, value]) => [`PULP_STORAGES__default__OPTIONS__${name}`, value] as const,
  );
  await using deckle = await startServer({
    env: {
      ...Object.fromEntries(options),
      PULP_STORAGES__default__BACKEND: EDGE,
      PULP_STORAGES__default__OPTIONS__signature_version: "s3v4",
      PULP_STORAGES__default__OPTIONS__addressing_style: "path",
      PULP_STORAGES__default__OPTIONS__proxies: "@none None",
      PULP_MEDIA_ROOT: '""',
    },
  });
  const api = createApi(deckle);
  const bytes = randomBytes(1000);
  const correlation = "0a".repeat(16);
  const form = new FormData();
  form.set("file", new Blob([bytes]));
  const headers = { "correlation-id": correlation };
  const made = await api.request("POST", "artifacts/", { body: form, headers });
  assert.equal(made.status, 201, await made.text());
  const key = `artifact/${sha256(bytes).slice(0, 2)}/${sha256(bytes).slice(2)}`;
  const bucket = `${server.url}/${settings.bucket_name}`;
  const told = await fetch(`${bucket}/${key}`, { method: "HEAD" });
  assert.deepEqual(marks(told), ["default", sha256(bytes), correlation]);

  const [artifact] = (await api.get("artifacts/")).results;
  const repository = await api.post("repositories/file/file/", { name: "x", autopublish: true });
  const unit = new FormData();
  unit.set("artifact", artifact.pulp_href);
  unit.set("relative_path", "a/f.iso");
  unit.set("repository", repository.pulp_href);
  await api.done(await api.post("content/file/files/", unit));
  const served = { name: "x", base_path: "x", repository: repository.pulp_href };
  await api.done(await api.post("distributions/file/file/", served));
  for (const method of ["GET", "HEAD"]) {
    const url = `${deckle.contentUrl}/pulp/content/x/a/f.iso`;
    const answer = await fetch(url, { method, redirect: "manual" });
    assert.equal(answer.status, 302);
    assert.equal(answer.headers.get("content-disposition"), "attachment;filename=f.iso");
    const location = answer.headers.get("location") ?? "";
    assert.ok(cdn.admits(location), location);
    const followed = await fetch(location, { method });
    assert.equal(followed.headers.get("content-disposition"), "attachment;filename=f.iso");
    if (method === "GET") assert.deepEqual(Buffer.from(await followed.arrayBuffer()), bytes);
  }
  const manifest = await fetch(`${deckle.contentUrl}/pulp/content/x/PULP_MANIFEST`);
  assert.match(await manifest.text(), new RegExp(`^a/f.iso,${sha256(bytes)},1000`));
});
