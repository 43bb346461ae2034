import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, type TestContext, test } from "node:test";
import type { Algorithm } from "#base/digests.ts";
import type { JsonObject } from "#base/json.ts";
import { createGcsStorage } from "#platform/storage/gcs/gcs.ts";
import type { Storage } from "#platform/storage/storage.ts";
import { createLocal } from "../contract/local-store.ts";
import { get, put, storageContract } from "../contract/storage.ts";
import { type GcsServer, startGcs } from "./support/gcs-server.ts";

let server: GcsServer;

before(async () => {
  server = await startGcs();
});
after(() => server[Symbol.asyncDispose]());

async function createStore(
  t: TestContext,
  more: JsonObject = {},
  algorithms?: readonly Algorithm[],
): Promise<Storage> {
  const options = { ...(await server.bucket()), ...more };
  return createGcsStorage({ options, local: await createLocal(t, algorithms) });
}

storageContract("GCS", (t, algorithms) => createStore(t, {}, algorithms), { hasNames: false });
storageContract(
  "GCS below a location",
  (t, algorithms) => createStore(t, { location: "a/b/" }, algorithms),
  { hasNames: false },
);

test("a file of several requests arrives whole", async (t) => {
  const store = await createStore(t, { blob_chunk_size: 5 * 1024 * 1024 });
  const bytes = randomBytes(19 * 1024 * 1024 + 1);
  await put(store, "artifact/aa/large", bytes);
  assert.equal(Buffer.compare(await get(store, "artifact/aa/large"), bytes), 0);
});

test("a signed address says name and type of the file, and how long it is good for", async (t) => {
  const store = await createStore(t, { location: "deep", expiration: 600 });
  const bytes = randomBytes(1000);
  await put(store, "artifact/aa/x y", bytes);
  const wanted = { method: "GET", fileName: "x.iso", contentType: "application/x-iso" } as const;

  const address = (await store.redirect("artifact/aa/x y", wanted)) ?? "";
  const { searchParams, pathname } = new URL(address);
  assert.match(pathname, /^\/bucket-\d+\/deep\/artifact\/aa\/x%20y$/);
  assert.equal(searchParams.get("X-Goog-Algorithm"), "GOOG4-RSA-SHA256");
  assert.match(searchParams.get("X-Goog-Credential") ?? "", /^store@tests\.example\//);
  const seconds = Number(searchParams.get("X-Goog-Expires"));
  assert.ok(seconds > 590 && seconds <= 600, String(seconds));
  assert.equal(searchParams.get("response-content-type"), "application/x-iso");
  assert.equal(searchParams.get("response-content-disposition"), "attachment;filename=x.iso");
  const answer = await fetch(address);
  assert.equal(answer.status, 200);
  assert.deepEqual(Buffer.from(await answer.arrayBuffer()), bytes);
});

test("addresses: on a host of one's own, and plain", async (t) => {
  const wanted = { method: "GET", fileName: "x.iso", contentType: "application/x-iso" } as const;
  const address = async (more: JsonObject) =>
    new URL((await (await createStore(t, more)).redirect("a/b c", wanted)) ?? "");
  const custom_endpoint = "https://files.example";
  const own = await address({ custom_endpoint });
  assert.equal(own.origin + own.pathname, "https://files.example/a/b%20c");
  assert.ok(own.searchParams.has("X-Goog-Signature"));
  const plain = await address({ querystring_auth: false, api_endpoint: null });
  assert.match(plain.href, /^https:\/\/storage\.googleapis\.com\/bucket-\d+\/a\/b%20c$/);
  const bare = await address({ querystring_auth: false, custom_endpoint });
  assert.equal(bare.href, "https://files.example/a/b%20c");
});

test("a service that is away, and a bucket that there is not, are told", async (t) => {
  const away = await createStore(t, { api_endpoint: "http://127.0.0.1:9" });
  await assert.rejects(away.stat("a"), { code: "storage-unavailable", status: 503 });
  const nowhere = await createStore(t, { bucket_name: "no-such-bucket" });
  await assert.rejects(put(nowhere, "a/b", Buffer.from("x")), /status 404/);
});
