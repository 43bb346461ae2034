import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type { JsonObject } from "#base/json.ts";
import { createApi } from "../support/api.ts";
import { startServer } from "../support/server.ts";
import { startGcs } from "./support/gcs-server.ts";
import { startSsh } from "./support/ssh-server.ts";

const bytes = randomBytes(9 * 1024 * 1024);

/** The settings of a service that keeps everything in this store. */
const environment = (storageClass: string, options: JsonObject) => ({
  ...Object.fromEntries(
    Object.entries(options).map(([name, value]) => [
      `PULP_STORAGES__default__OPTIONS__${name}`,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  ),
  PULP_STORAGES__default__BACKEND: storageClass,
  PULP_MEDIA_ROOT: '""',
});

for (const [name, storageClass, start, isRedirected] of [
  ["Google Cloud Storage", "storages.backends.gcloud.GoogleCloudStorage", openGcs, true],
  ["a folder of another machine", "storages.backends.sftpstorage.SFTPStorage", openSftp, false],
] as const) {
  test(`a service whose files lie in ${name} takes them and gives them out`, async () => {
    await using stack = new AsyncDisposableStack();
    const options = await start(stack);
    const server = stack.use(await startServer({ env: environment(storageClass, options) }));
    const api = createApi(server);
    const { pulp_href: repository } = await api.post("repositories/file/file/", {
      ...{ name: "x", autopublish: true },
    });
    const form = new FormData();
    form.set("file", new Blob([bytes]));
    form.set("relative_path", "a/large.bin");
    form.set("repository", repository);
    await api.done(await api.post("content/file/files/", form));
    const served = { name: "x", base_path: "x", repository };
    await api.done(await api.post("distributions/file/file/", served));
    const url = `${server.contentUrl}/pulp/content/x/a/large.bin`;

    const first = await fetch(url, { redirect: "manual" });
    assert.equal(first.status, isRedirected ? 302 : 200);
    await first.arrayBuffer();
    const whole = await fetch(url);
    assert.equal(Buffer.compare(Buffer.from(await whole.arrayBuffer()), bytes), 0);
    const part = await fetch(url, { headers: { range: "bytes=8388600-8388619" } });
    assert.equal(part.status, 206);
    assert.deepEqual(Buffer.from(await part.arrayBuffer()), bytes.subarray(8_388_600, 8_388_620));
  });
}

async function openGcs(stack: AsyncDisposableStack): Promise<JsonObject> {
  return stack.use(await startGcs()).bucket();
}

async function openSftp(stack: AsyncDisposableStack): Promise<JsonObject> {
  return stack.use(await startSsh()).store();
}
