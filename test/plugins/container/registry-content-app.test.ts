import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import { signedPath } from "#core/guards/queries.ts";
import { coreGuardHandlers } from "#delivery/guards/core-guards.ts";
import { createContentServer } from "#delivery/server.ts";
import { container } from "#plugins/container/plugin.ts";
import { createRegistryWorld, type RegistryWorld } from "./registry-world.ts";

async function contentApp(t: TestContext, world: RegistryWorld): Promise<string> {
  const app = createContentServer(world.ctx, {
    handlers: container.delivery,
    guards: coreGuardHandlers,
  });
  const { port } = (await app.listen({ port: 0, host: "127.0.0.1" })) as AddressInfo;
  t.after(() => app.close(AbortSignal.timeout(1000)));
  return `http://127.0.0.1:${port}`;
}

test("blobs lie on the content app for who has a signed address, and nothing is listed", async (t) => {
  const world = await createRegistryWorld(t, { settings: { SECRET_KEY: "a secret of the tests" } });
  const content = await contentApp(t, world);
  const digest = await world.pushBlob("team/app", "bytes");
  const path = `/pulp/container/team/app/blobs/${digest}`;
  const { rows } = await sql<{ guard: string }>`select guard from distribution`.execute(
    world.ctx.db,
  );
  const signed = signedPath(world.ctx, rows[0]?.guard ?? "", path) ?? "";

  const got = await fetch(`${content}${signed}`);
  const unsigned = await fetch(`${content}${path}`);

  assert.deepEqual([got.status, await got.text()], [200, "bytes"]);
  assert.equal(got.headers.get("content-type"), "application/octet-stream");
  assert.equal(got.headers.get("docker-content-digest"), digest);
  assert.equal(unsigned.status, 403);
  const listing = await fetch(`${content}/pulp/content/`);
  assert.doesNotMatch(await listing.text(), /team/);
  assert.equal((await fetch(`${content}/pulp/content/team/`)).status, 404);
});

test("without a guard the content app has blobs of public repositories only", async (t) => {
  const world = await createRegistryWorld(t);
  const content = await contentApp(t, world);
  const digest = await world.pushBlob("team/app", "bytes");
  const path = `${content}/pulp/container/team/app/blobs/${digest}`;
  await sql`update distribution set guard = null`.execute(world.ctx.db);

  await sql`update container_distribution set private = true`.execute(world.ctx.db);
  const closed = await fetch(path);
  await sql`update container_distribution set private = false`.execute(world.ctx.db);
  // That there is nothing is remembered for a second.
  await sleep(1100);
  const open = await fetch(path);
  const other = await fetch(`${content}/pulp/content/team/app/${digest}`);

  assert.deepEqual([closed.status, open.status, other.status], [404, 200, 404]);
});
