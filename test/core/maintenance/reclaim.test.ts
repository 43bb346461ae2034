import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { prn } from "#base/prn.ts";
import { reclaimSpaceTask } from "#core/maintenance/tasks.ts";
import type { PluginRegistry } from "#core/plugin-contract.ts";
import { digestOf, noteType } from "../../support/core-world.ts";
import { createJob } from "../../support/job.ts";
import { assertSound } from "../artifacts/support.ts";
import { createMaintenanceWorld } from "./support.ts";

async function library(t: Parameters<typeof createMaintenanceWorld>[0]) {
  const world = await createMaintenanceWorld(t);
  const [mine, theirs] = [await world.repository(), await world.repository()];
  const unit = (name: string) => world.unit(name, { offered: true });
  const [old, current, shared] = [await unit("old"), await unit("current"), await unit("shared")];
  const local = await world.unit("local");
  await world.version(mine, [old, shared, local]);
  await world.version(mine, [current], [old]);
  await world.version(theirs, [shared]);
  return { ...world, mine, theirs };
}

test("files that can be had again go, of units that nobody else has", async (t) => {
  const world = await library(t);
  const repositories = [prn("zoo.plain", world.mine.id)];
  const job = await world.run(reclaimSpaceTask, { repositories });
  assert.deepEqual(await world.storedUnits(), ["local", "shared"]);
  assert.deepEqual(await world.units(), ["current", "local", "old", "shared"]);
  assert.equal(await world.artifactCount(), 2);
  const report = job.report("reclaim-space.artifact");
  assert.deepEqual([report?.done, report?.total, report?.message], [2, 2, "Reclaim disk space"]);
  await assertSound(world);
});

test("files of kept versions stay", async (t) => {
  const world = await library(t);
  const keptVersions = [await world.versionId(world.mine, 1)];
  await world.run(reclaimSpaceTask, { repositories: [world.mine.id], keptVersions });
  assert.deepEqual(await world.storedUnits(), ["local", "old", "shared"]);
  await assertSound(world);
});

test("all repositories may be meant, with versions to keep", async (t) => {
  const world = await library(t);
  const keptVersions = [await world.versionId(world.theirs, 1)];
  await world.run(reclaimSpaceTask, { repositories: "*", keptVersions });
  assert.deepEqual(await world.storedUnits(), ["local", "shared"]);
  await world.run(reclaimSpaceTask, { repositories: "*" });
  assert.deepEqual(await world.storedUnits(), ["local"]);
  await assertSound(world);
});

test("force also drops what others have", async (t) => {
  const world = await library(t);
  await world.run(reclaimSpaceTask, { repositories: [world.mine.id], force: true });
  assert.deepEqual(await world.storedUnits(), ["local"]);
});

test("a file that something else needs stays; a repository without units is no trouble", async (t) => {
  const world = await library(t);
  const { ctx } = world;
  const twin = await world.unit("twin");
  await sql`update content_artifact set artifact = (select id from artifact where sha256 = ${digestOf("bytes of old")})
    where content = ${twin}`.execute(ctx.db);
  const empty = await world.repository();
  await world.run(reclaimSpaceTask, {
    repositories: [world.mine.id, empty.id, crypto.randomUUID()],
  });
  assert.deepEqual(await world.storedUnits(), ["local", "shared", "twin"]);
  await assertSound(world);
});

test("types that did not opt in are left alone", async (t) => {
  const world = await createMaintenanceWorld(t);
  const { ctx } = world;
  const repository = await world.repository();
  const note = await world.unit("note", { offered: true, type: noteType });
  const file = await world.unit("file", { offered: true });
  await world.version(repository, [note, file]);
  const plugins: PluginRegistry = {
    ...ctx.plugins,
    all: ctx.plugins.all.map((plugin) => ({
      ...plugin,
      contentTypes: plugin.contentTypes.map((type) => ({
        ...type,
        reclaimable: type.type === "zoo.file",
      })),
    })),
  };
  const { mediaRoot } = world;
  const job = createJob({ ctx: { ...ctx, plugins }, caller: world.job().caller, mediaRoot });
  await world.run(reclaimSpaceTask, { repositories: "*" }, job);
  assert.deepEqual(await world.storedUnits(), ["note"]);
});
