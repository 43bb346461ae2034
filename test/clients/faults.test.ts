import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { violations } from "../../tools/chaos/inspect.ts";
import { type Api, createApi } from "../support/api.ts";
import { createFileUpstream, type FileUpstream } from "../support/file-upstream.ts";
import { type Server, startServer } from "../support/server.ts";

const MEGABYTE = 1 << 20;

/** A data folder whose store is a small disk of its own. */
async function smallDisk(t: TestContext, megabytes: number) {
  const home = await mkdtemp(join(tmpdir(), "deckle-faults-"));
  const media = join(home, "media");
  await mkdir(media);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=700`, "tmpfs", media]);
  t.after(async () => {
    execFileSync("umount", ["--lazy", media]);
    await rm(home, { recursive: true, force: true });
  });
  const grow = (size: number) =>
    execFileSync("mount", ["-o", `remount,size=${size}m`, "tmpfs", media]);
  return { home, grow };
}

/** A repository that mirrors the upstream, published at `/pulp/content/mirror/`. */
async function mirror(api: Api, upstream: FileUpstream) {
  const remote = { name: "mirror", url: upstream.manifestUrl, policy: "immediate" };
  const { pulp_href } = await api.post("remotes/file/file/", remote);
  const body = { name: "mirror", remote: pulp_href, autopublish: true };
  const repository = (await api.post("repositories/file/file/", body)).pulp_href as string;
  const site = { name: "mirror", base_path: "mirror", repository };
  await api.done(await api.post("distributions/file/file/", site));
  return { repository, sync: async () => api.task(await api.post(`${repository}sync/`, {})) };
}

const served = async ({ contentUrl }: Server, path: string): Promise<Buffer> => {
  const response = await fetch(`${contentUrl}/pulp/content/mirror/${path}`);
  assert.equal(response.status, 200, path);
  return Buffer.from(await response.arrayBuffer());
};

function uploadOf(bytes: number): FormData {
  const body = new FormData();
  body.append("file", new Blob([randomBytes(bytes)]), "file");
  return body;
}

test("a full disk fails what writes with a reason, serves what is there, and heals", async (t) => {
  const { home, grow } = await smallDisk(t, 8);
  await using upstream = await createFileUpstream(2, 1000);
  await using server = await startServer({ home });
  const api = createApi(server);
  const { repository, sync } = await mirror(api, upstream);
  assert.equal((await sync()).state, "completed");
  const before = await served(server, "PULP_MANIFEST");
  for (let n = 0; n < 12; n += 1) await upstream.put(`big/${n}`, randomBytes(MEGABYTE));

  const full = await api.request("POST", "artifacts/", { body: uploadOf(12 * MEGABYTE) });
  const failed = await sync();

  assert.equal(full.status, 507);
  assert.match(await full.text(), /Not enough space/);
  assert.equal(failed.state, "failed");
  assert.match(JSON.stringify(failed.error), /Not enough space/);
  assert.deepEqual(await served(server, "PULP_MANIFEST"), before);
  assert.equal((await served(server, "d000/f000.bin")).length, 1000);
  assert.match((await api.get(repository)).latest_version_href, /versions\/1\/$/);

  grow(64);
  assert.equal((await sync()).state, "completed");
  const again = await api.request("POST", "artifacts/", { body: uploadOf(12 * MEGABYTE) });
  assert.equal(again.status, 201);
  assert.equal((await served(server, "big/11")).length, MEGABYTE);
  assert.deepEqual(await violations(home), []);
});

test("an upstream that damages or cuts off a file changes nothing of what is served", async (t) => {
  await using upstream = await createFileUpstream(3, 1000);
  await using server = await startServer();
  const api = createApi(server);
  const { repository, sync } = await mirror(api, upstream);
  assert.equal((await sync()).state, "completed");
  const before = await served(server, "PULP_MANIFEST");
  await upstream.put("new", randomBytes(200_000));

  for (const [what, bytes] of [
    ["damaged", 200_000],
    ["cut off", 150_000],
  ] as const) {
    await t.test(what, async () => {
      await writeFile(join(upstream.folder, "new"), randomBytes(bytes));
      const failed = await sync();
      assert.equal(failed.state, "failed");
      assert.match(JSON.stringify(failed.error), /PLP0003|PLP0004|validation/i);
      assert.deepEqual(await served(server, "PULP_MANIFEST"), before);
      assert.match((await api.get(repository)).latest_version_href, /versions\/1\/$/);
      assert.deepEqual(await violations(server.home), []);
    });
  }
});
