import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { within } from "#base/ambient.ts";
import type { Algorithm } from "#base/digests.ts";
import type { JsonObject } from "#base/json.ts";
import { uuid7 } from "#base/uuid7.ts";
import { createFileSystemStorage } from "#platform/storage/file-system.ts";
import { createOciStorage } from "#platform/storage/oci/oci.ts";
import type { BundledFile, Storage } from "#platform/storage/storage.ts";
import { get, put, storageContract } from "../contract/storage.ts";
import { startTokenRegistry, type TokenRegistry } from "./support/token-registry.ts";

let registry: TokenRegistry;

before(async () => {
  registry = await startTokenRegistry();
});
after(() => registry[Symbol.asyncDispose]());

async function createStore(
  t: TestContext,
  more: JsonObject = {},
  algorithms: readonly Algorithm[] = ["sha256"],
): Promise<Storage> {
  const root = await mkdtemp(join(tmpdir(), "deckle-oci-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  const own = { root, algorithms, fileMode: null, directoryMode: null, processId: uuid7() };
  const options = { ...registry.repository(), ...more };
  return createOciStorage({ options, local: createFileSystemStorage(own) });
}

const traits = { hasNames: false, keepsRemoved: true };
storageContract("OCI", (t, algorithms) => createStore(t, {}, algorithms), traits);

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const wanted = { fileName: "x", contentType: "application/x-iso" } as const;

function redirecting(t: TestContext): void {
  registry.redirects = true;
  t.after(() => {
    registry.redirects = false;
  });
}

test("a registry that sends bytes itself sends nobody elsewhere", async (t) => {
  const store = await createStore(t);
  await put(store, "artifact/aa/x", randomBytes(300_000));
  for (const _again of [1, 2])
    assert.equal(await store.redirect("artifact/aa/x", { method: "GET", ...wanted }), undefined);
});

test("readers are sent where the registry sends them, without its token", async (t) => {
  const store = await createStore(t);
  const bytes = randomBytes(300_000);
  await put(store, "artifact/aa/x", bytes);
  redirecting(t);
  const address = (await store.redirect("artifact/aa/x", { method: "GET", ...wanted })) ?? "";
  assert.ok(address.startsWith(registry.cdn), address);
  const answer = await fetch(address);
  assert.deepEqual(Buffer.from(await answer.arrayBuffer()), bytes);
  assert.deepEqual(await get(store, "artifact/aa/x"), bytes);
  assert.equal(await store.redirect("artifact/aa/x", { method: "HEAD", ...wanted }), undefined);
  await assert.rejects(store.redirect("artifact/aa/y", { method: "GET", ...wanted }), {
    code: "storage-missing",
  });
});

test("tokens are asked for once, for what they are needed for", async (t) => {
  const options = registry.repository();
  const store = await createStore(t, options);
  const since = registry.scopes.length;
  await Promise.all(
    ["a", "b", "c"].map((name) => put(store, `artifact/${name}`, Buffer.from(name))),
  );
  for (const name of ["a", "b", "c"]) await get(store, `artifact/${name}`);
  await store.remove("artifact/a");
  const scopes = registry.scopes.slice(since).sort();
  const scope = `repository:${options.repository}`;
  assert.deepEqual(scopes, [`${scope}:pull`, `${scope}:pull,push`, `${scope}:pull,push,delete`]);
});

test("a token that has expired is not used, and is asked for anew", async (t) => {
  const short = await startTokenRegistry(11);
  t.after(() => short[Symbol.asyncDispose]());
  const store = await createStore(t, short.repository());
  assert.equal(await store.stat("a"), undefined);
  assert.equal(await store.stat("a"), undefined);
  const asked = short.scopes.length;
  // All but the last ten seconds of it.
  await sleep(1100);
  assert.equal(await store.stat("a"), undefined);
  assert.equal(short.scopes.length, asked + 1);
});

test("a client's own account serves that client only", async (t) => {
  const { username, password, ...place } = registry.repository();
  const store = await createStore(t, { ...place, username: "", password: "" });
  const basic = Buffer.from(`${username}:${password}`).toString("base64");
  const as = <Result>(account: string, work: () => Result) =>
    within({ correlationId: "", registryAuthorization: `Basic ${account}` }, work);
  await as(basic, () => put(store, "a/b", Buffer.from("x")));
  assert.deepEqual(await as(basic, () => store.stat("a/b")), { sizeBytes: 1 });
  const told = { code: "storage-unavailable" };
  await assert.rejects(
    as("d3Jvbmc6eA==", () => store.stat("a/b")),
    told,
  );
  await assert.rejects(store.stat("a/b"), told);
});

test("a token that is refused is fetched anew", async (t) => {
  const store = await createStore(t);
  await put(store, "artifact/a", Buffer.from("a"));
  registry.faults.push((_request, response) => {
    response.writeHead(401).end();
    return true;
  });
  assert.deepEqual(await store.stat("artifact/a"), { sizeBytes: 1 });
});

test("blobs are read by the names that rows of the peer have, and no others", async (t) => {
  const options = registry.repository();
  const store = await createStore(t, options);
  const bytes = randomBytes(1000);
  await put(store, "artifact/aa/x", bytes);
  const name = `${options.registry}/${options.repository}@sha256:${sha256(bytes)}`;
  assert.deepEqual(await store.stat(name), { sizeBytes: 1000 });
  assert.deepEqual(await get(store, name), bytes);
  await store.remove(name);
  assert.deepEqual(await get(store, name), bytes);
  for (const other of [`${name}0`, `elsewhere/x@sha256:${sha256(bytes)}`, "a/b@c"]) {
    const told = { code: "storage-reference", message: `Invalid blob reference format: ${other}` };
    await assert.rejects(store.open(other), told);
  }
});

test("the same bytes under two names outlive one of them", async (t) => {
  const store = await createStore(t);
  const bytes = randomBytes(1000);
  await put(store, "artifact/a", bytes);
  await put(store, "artifact/b", bytes);
  await store.remove("artifact/a");
  assert.equal(await store.stat("artifact/a"), undefined);
  assert.deepEqual(await get(store, "artifact/b"), bytes);
});

test("a bundle lists files as layers, and names those that are missing", async (t) => {
  const options = registry.repository();
  const store = await createStore(t, options);
  const bodies = [randomBytes(1000), randomBytes(2000)];
  for (const [index, bytes] of bodies.entries()) await put(store, `artifact/${index}`, bytes);
  const files = async function* (): AsyncGenerator<BundledFile> {
    for (const [index, bytes] of [...bodies, Buffer.from("lost")].entries())
      yield { relativePath: `dir/${index}`, sizeBytes: bytes.length, sha256: sha256(bytes) };
  };

  const missing = await store.bundle?.("publication-1", files());

  assert.deepEqual(missing, ["dir/2"]);
  const manifest = await readManifest(options.repository ?? "", "publication-1");
  assert.deepEqual(
    manifest.layers.map(({ annotations, ...layer }) => ({ ...layer, ...annotations })),
    bodies.map((bytes, index) => ({
      mediaType: "application/octet-stream",
      digest: `sha256:${sha256(bytes)}`,
      size: bytes.length,
      "org.opencontainers.image.title": `dir/${index}`,
    })),
  );
  assert.deepEqual(manifest.config, {
    mediaType: "application/vnd.oci.image.config.v1+json",
    digest: "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    size: 2,
  });
  const none = async function* (): AsyncGenerator<BundledFile> {
    yield { relativePath: "lost", sizeBytes: 4, sha256: sha256(Buffer.from("lost")) };
  };
  assert.deepEqual(await store.bundle?.("publication-2", none()), ["lost"]);
  const { status } = await registry.ask(`${options.repository}/manifests/publication-2`);
  assert.equal(status, 404);
});

interface Manifest {
  readonly config: JsonObject;
  readonly layers: readonly { readonly annotations: JsonObject }[];
}

async function readManifest(repository: string, tag: string): Promise<Manifest> {
  const accept = "application/vnd.oci.image.manifest.v1+json";
  const answer = await registry.ask(`${repository}/manifests/${tag}`, "GET", { accept });
  assert.equal(answer.status, 200);
  return (await answer.json()) as Manifest;
}

test("an upload that breaks off begins anew, and one that is refused is told", async (t) => {
  const store = await createStore(t);
  const bytes = randomBytes(3_000_000);
  let broken = 0;
  const breakOff = (wishes: number) => {
    registry.faults.push((request, response) => {
      if (request.method !== "PUT" || !request.url?.includes("/blobs/")) return false;
      request.once("data", () => response.destroy());
      broken += 1;
      if (broken < wishes) breakOff(wishes);
      return true;
    });
  };
  breakOff(2);
  await put(store, "artifact/aa/x", bytes);
  assert.equal(broken, 2);
  assert.deepEqual(await get(store, "artifact/aa/x"), bytes);

  registry.faults.push((request, response) => {
    if (request.method !== "PUT") return false;
    request.resume();
    response.writeHead(413).end("too  large");
    return true;
  });
  const told = { code: "storage-unavailable", message: /Blob upload failed: 413 - too large/ };
  await assert.rejects(put(store, "artifact/aa/y", randomBytes(2_000_000)), told);
  assert.equal(await store.stat("artifact/aa/y"), undefined);
});

test("a busy registry is waited for; a wrong password and one that is away are told", async (t) => {
  const store = await createStore(t);
  await put(store, "a/b", Buffer.from("x"));
  for (const status of [503, 429]) {
    registry.faults.push((_request, response) => {
      response.writeHead(status).end();
      return true;
    });
  }
  assert.deepEqual(await store.stat("a/b"), { sizeBytes: 1 });
  const told = { code: "storage-unavailable", status: 503 };
  await assert.rejects((await createStore(t, { password: "wrong" })).stat("a"), told);
  await assert.rejects((await createStore(t, { registry: "127.0.0.1:9" })).stat("a"), told);
});
