import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import type { JsonObject } from "#base/json.ts";
import { uuid7 } from "#base/uuid7.ts";
import { createFileSystemStorage } from "#platform/storage/file-system.ts";
import { createS3Storage } from "#platform/storage/s3/s3.ts";
import { get, put, write } from "../contract/storage.ts";
import { createApi } from "../support/api.ts";
import { startServer } from "../support/server.ts";
import { type Fault, type FaultyProxy, faults, startFaultyProxy } from "./support/faulty-proxy.ts";
import type { S3Server } from "./support/s3-server.ts";
import { startStrictS3 } from "./support/strict-s3.ts";

const MIB = 1024 * 1024;
const stack = new AsyncDisposableStack();
let server: S3Server;
let proxy: FaultyProxy;

before(async () => {
  server = stack.use(await startStrictS3());
  proxy = stack.use(await startFaultyProxy(server.url));
});
after(() => stack.disposeAsync());

async function createStore(t: TestContext, isMarked = false) {
  const root = await mkdtemp(join(tmpdir(), "deckle-faults-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  t.after(() => proxy.heal());
  const own = { fileMode: null, directoryMode: null, processId: uuid7() };
  const local = createFileSystemStorage({ root, algorithms: ["sha256"], ...own });
  const options: JsonObject = { ...(await server.bucket()), endpoint_url: proxy.url };
  return createS3Storage({ options, local, isMarked });
}

const ways = (request: IncomingMessage) => new URL(request.url ?? "/", "http://s3").searchParams;
const isPut = (request: IncomingMessage) => request.method === "PUT";
const isPart = (request: IncomingMessage) => isPut(request) && ways(request).has("partNumber");
const isBegin = (request: IncomingMessage) =>
  request.method === "POST" && ways(request).has("uploads");
const isEnd = (request: IncomingMessage) =>
  request.method === "POST" && ways(request).has("uploadId");
const isGet = (request: IncomingMessage) => request.method === "GET";
const isHead = (request: IncomingMessage) => request.method === "HEAD";

const SMALL = 100_000;
const LARGE = 9 * MIB;

for (const [name, size, fault] of [
  ["asks to slow down", SMALL, { on: isPut, times: 3, instead: faults.slowDown }],
  ["breaks the upload off", SMALL, { on: isPut, times: 2, instead: faults.reset }],
  ["is not heard", SMALL, { on: isPut, times: 2, after: faults.unheard }],
  ["tells another ETag", SMALL, { on: isPut, times: 1, after: faults.otherEtag }],
  ["is not heard when asked what it has", SMALL, { on: isHead, times: 2, after: faults.unheard }],
  ["asks to slow down at the begin", LARGE, { on: isBegin, times: 2, instead: faults.slowDown }],
  ["asks to slow down at each part", LARGE, { on: isPart, times: 4, instead: faults.slowDown }],
  ["breaks a part off", LARGE, { on: isPart, times: 2, instead: faults.reset }],
  ["is not heard about a part", LARGE, { on: isPart, times: 2, after: faults.unheard }],
  ["asks to slow down at the end", LARGE, { on: isEnd, times: 2, instead: faults.slowDown }],
] as const satisfies readonly (readonly [string, number, Fault])[]) {
  for (const isMarked of [false, true])
    test(`a file arrives whole where the store ${name}${isMarked ? ", behind edges" : ""}`, async (t) => {
      const store = await createStore(t, isMarked);
      const bytes = randomBytes(size);
      proxy.break(fault);
      const before = proxy.hits.length;
      await put(store, "artifact/aa/x", bytes);
      assert.equal(proxy.hits.length - before, fault.times);
      proxy.heal();
      assert.equal(Buffer.compare(await get(store, "artifact/aa/x"), bytes), 0);
    });
}

for (const [name, size, fault] of [
  ["goes on asking to slow down", SMALL, { on: isPut, times: 99, instead: faults.slowDown }],
  ["says 200 and an error at the end", LARGE, { on: isEnd, times: 99, instead: faults.errorInOk }],
  ["tells another ETag of a part", LARGE, { on: isPart, times: 99, after: faults.otherEtag }],
] as const satisfies readonly (readonly [string, number, Fault])[]) {
  test(`a file is not said to be stored where the store ${name}, and can be placed again`, async (t) => {
    const store = await createStore(t);
    const bytes = randomBytes(size);
    const { file } = await write(store, bytes);
    await using _file = file;
    proxy.break(fault);
    const told = { code: "storage-unavailable", status: 503 };
    await assert.rejects(store.place(file, "artifact/aa/x"), told);
    proxy.heal();
    assert.equal(await store.stat("artifact/aa/x"), undefined);
    assert.equal(await store.sweep?.(Date.now() + 3_600_000), 0, "no parts are left");
    await store.place(file, "artifact/aa/x");
    assert.equal(Buffer.compare(await get(store, "artifact/aa/x"), bytes), 0);
  });
}

test("bytes that break off are never taken for the whole", async (t) => {
  const store = await createStore(t);
  const bytes = randomBytes(SMALL);
  await put(store, "artifact/aa/x", bytes);
  proxy.break({ on: isGet, times: 99, after: faults.half });
  await assert.rejects(get(store, "artifact/aa/x"), /storage|store|ends before/);
  proxy.heal();
  assert.deepEqual(await get(store, "artifact/aa/x"), bytes);
});

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

test("clients are told 503 while the store is away, and lose nothing", async (t) => {
  t.after(() => proxy.heal());
  const settings = { ...(await server.bucket()), endpoint_url: proxy.url };
  const options = Object.entries(settings).map(
    ([name, value]) => [`PULP_STORAGES__default__OPTIONS__${name}`, value] as const,
  );
  await using deckle = await startServer({
    env: {
      ...Object.fromEntries(options),
      PULP_STORAGES__default__BACKEND: "storages.backends.s3.S3Storage",
      PULP_MEDIA_ROOT: '""',
      PULP_REDIRECT_TO_OBJECT_STORAGE: "false",
      PULP_TOKEN_AUTH_DISABLED: "true",
    },
  });
  const api = createApi(deckle);
  const bytes = randomBytes(SMALL);
  const upload = () => {
    const body = new FormData();
    body.set("file", new Blob([bytes]));
    return api.request("POST", "artifacts/", { body });
  };
  const blob = `/v2/faulty/app/blobs/uploads/?digest=sha256:${sha256(bytes)}`;
  const push = () => api.request("POST", blob, { body: bytes });

  proxy.break({ on: () => true, times: Number.POSITIVE_INFINITY, instead: faults.slowDown });
  for (const ask of [upload, push]) {
    const refused = await ask();
    const text = await refused.text();
    assert.equal(refused.status, 503, text);
    assert.match(refused.headers.get("content-type") ?? "", /json/);
    assert.doesNotMatch(text, /a-secret-of-the-test|AKIDEXAMPLE/);
  }
  proxy.heal();
  const stored = await upload();
  assert.equal(stored.status, 201, await stored.text());
  const pushed = await push();
  assert.equal(pushed.status, 201, await pushed.text());

  const { pulp_href: repository } = await api.post("repositories/file/file/", {
    ...{ name: "x", autopublish: true },
  });
  const form = new FormData();
  form.set("file", new Blob([bytes]));
  form.set("relative_path", "f");
  form.set("repository", repository);
  await api.done(await api.post("content/file/files/", form));
  await api.done(
    await api.post("distributions/file/file/", { name: "x", base_path: "x", repository }),
  );
  const url = `${deckle.contentUrl}/pulp/content/x/f`;
  proxy.break({ on: () => true, times: Number.POSITIVE_INFINITY, instead: faults.slowDown });
  const away = await fetch(url);
  assert.equal(away.status, 503, await away.text());
  proxy.heal();
  const back = await fetch(url);
  assert.deepEqual(Buffer.from(await back.arrayBuffer()), bytes);
});
