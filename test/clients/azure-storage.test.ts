import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, type TestContext, test } from "node:test";
import type { Algorithm } from "#base/digests.ts";
import type { JsonObject } from "#base/json.ts";
import { createAzureStorage } from "#platform/storage/azure/azure.ts";
import type { Storage } from "#platform/storage/storage.ts";
import { createLocal } from "../contract/local-store.ts";
import { get, put, storageContract } from "../contract/storage.ts";
import { type AzureServer, startAzurite } from "./support/azurite.ts";

let server: AzureServer;

before(async () => {
  server = await startAzurite();
});
after(() => server[Symbol.asyncDispose]());

async function createStore(
  t: TestContext,
  more: JsonObject = {},
  algorithms?: readonly Algorithm[],
): Promise<Storage> {
  const options = { ...(await server.container()), ...more };
  return createAzureStorage({ options, local: await createLocal(t, algorithms) });
}

storageContract("Azure", (t, algorithms) => createStore(t, {}, algorithms), { hasNames: false });
storageContract(
  "Azure below a location",
  (t, algorithms) => createStore(t, { location: "a/b/" }, algorithms),
  { hasNames: false },
);

test("a file of several blocks arrives whole", async (t) => {
  const store = await createStore(t);
  const bytes = randomBytes(19 * 1024 * 1024 + 1);
  await put(store, "artifact/aa/large", bytes);
  assert.equal(Buffer.compare(await get(store, "artifact/aa/large"), bytes), 0);
});

test("a signed address gives the bytes under the wanted name, and nothing else", async (t) => {
  const store = await createStore(t);
  const bytes = randomBytes(1000);
  await put(store, "artifact/aa/x", bytes);
  await put(store, "artifact/aa/y", bytes);
  const wanted = { method: "GET", fileName: "x.iso", contentType: "application/x-iso" } as const;

  const address = (await store.redirect("artifact/aa/x", wanted)) ?? "";
  const answer = await fetch(address);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-disposition"), "attachment;filename=x.iso");
  assert.equal(answer.headers.get("content-type"), "application/x-iso");
  assert.deepEqual(Buffer.from(await answer.arrayBuffer()), bytes);

  const other = address.replace("artifact/aa/x", "artifact/aa/y");
  assert.equal((await fetch(other)).status, 403);
  assert.equal((await fetch(address, { method: "DELETE" })).status, 403);
});

test("a service that is away is told as the object store, within its tries", async (t) => {
  const { connection_string = "" } = await server.container();
  const away = connection_string.replace(/127\.0\.0\.1:\d+/, "127.0.0.1:9");
  const store = await createStore(t, { connection_string: away });
  await assert.rejects(store.stat("a"), { code: "storage-unavailable", status: 503 });
});
