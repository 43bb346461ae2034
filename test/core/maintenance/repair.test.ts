import assert from "node:assert/strict";
import { readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { prn } from "#base/prn.ts";
import { repairAllArtifacts, repairVersion } from "#core/maintenance/tasks.ts";
import type { TestJob } from "../../support/job.ts";
import { answer } from "../../support/upstream.ts";
import { assertSound, objectOf } from "../artifacts/support.ts";
import { createMaintenanceWorld, type MaintenanceWorld } from "./support.ts";

const pathOf = (world: MaintenanceWorld, name: string) =>
  join(world.mediaRoot, objectOf(world, `bytes of ${name}`));

const read = (world: MaintenanceWorld, name: string) => readFile(pathOf(world, name), "utf8");

const found = (job: TestJob) =>
  ["missing", "corrupted", "repaired"].map((name) => job.report(`repair.${name}`)?.done);

test("missing, cut off and changed files come back from their remotes", async (t) => {
  const world = await createMaintenanceWorld(t);
  for (const name of ["well", "gone", "short", "changed"])
    await world.unit(name, { offered: true });
  await rm(pathOf(world, "gone"));
  await truncate(pathOf(world, "short"), 4);
  await writeFile(pathOf(world, "changed"), "bytes of chAnged");

  const job = await world.run(repairAllArtifacts, {});

  assert.deepEqual(found(job), [1, 2, 3]);
  assert.equal(job.report("repair.repaired")?.total, 3);
  for (const name of ["well", "gone", "short", "changed"])
    assert.equal(await read(world, name), `bytes of ${name}`);
  assert.deepEqual(
    job.reports.map(({ message, state }) => [message, state]),
    [
      ["Identify missing units", "completed"],
      ["Identify corrupted units", "completed"],
      ["Repair corrupted units", "completed"],
    ],
  );
  await assertSound(world);
});

test("without reading back, only absence and a wrong size are found", async (t) => {
  const world = await createMaintenanceWorld(t);
  for (const name of ["gone", "changed"]) await world.unit(name, { offered: true });
  await rm(pathOf(world, "gone"));
  await writeFile(pathOf(world, "changed"), "bytes of chAnged");
  const job = await world.run(repairAllArtifacts, { verifyChecksums: false });
  assert.deepEqual(found(job), [1, 0, 1]);
  assert.equal(await read(world, "changed"), "bytes of chAnged");
});

test("a damaged file that cannot be had again is kept, unless it shall go", async (t) => {
  const world = await createMaintenanceWorld(t);
  await world.unit("local");
  await world.unit("lied about", { offered: true });
  world.upstream.on("/lied about", answer.file("bytes of lied abouT"));
  world.upstream.on("/lied%20about", answer.file("bytes of lied abouT"));
  for (const name of ["local", "lied about"]) await writeFile(pathOf(world, name), "damaged");

  const first = await world.run(repairAllArtifacts, {});
  assert.deepEqual(found(first), [0, 2, 0]);
  for (const name of ["local", "lied about"]) assert.equal(await read(world, name), "damaged");

  const second = await world.run(repairAllArtifacts, { deleteUnrepairable: true });
  assert.deepEqual(found(second), [0, 2, 0]);
  for (const name of ["local", "lied about"]) await assert.rejects(stat(pathOf(world, name)));
  assert.equal(await world.artifactCount(), 2);
});

test("a version is repaired alone, and an empty one repairs nothing", async (t) => {
  const world = await createMaintenanceWorld(t);
  const repository = await world.repository();
  const inside = await world.unit("inside", { offered: true });
  await world.unit("outside", { offered: true });
  await world.unit("deferred", { offered: true, stored: false });
  await world.version(repository, [inside]);
  for (const name of ["inside", "outside"]) await rm(pathOf(world, name));
  const version = async (number: number) =>
    prn("core.repositoryversion", await world.versionId(repository, number));

  assert.deepEqual(found(await world.run(repairVersion, { version: await version(0) })), [0, 0, 0]);
  assert.deepEqual(found(await world.run(repairVersion, { version: await version(1) })), [1, 0, 1]);

  assert.equal(await read(world, "inside"), "bytes of inside");
  await assert.rejects(stat(pathOf(world, "outside")));
});

test("a repair that is cancelled stops", async (t) => {
  const world = await createMaintenanceWorld(t);
  await world.unit("one");
  const job = world.job();
  job.abort(new Error("cancelled"));
  await assert.rejects(world.run(repairAllArtifacts, {}, job), /cancelled/);
  assert.ok(job.reports.every(({ state }) => state === "failed"));
});
