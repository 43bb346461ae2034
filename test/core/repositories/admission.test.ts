import assert from "node:assert/strict";
import { test } from "node:test";
import type { Admission, Job, Refusal } from "#core/plugin-contract.ts";
import {
  addMembers,
  completeVersion,
  createVersion,
  openVersion,
} from "#core/repositories/commands.ts";
import { type CoreWorld, createCoreWorld } from "../../support/core-world.ts";

interface Told {
  readonly job: Job;
  /** Suffixes of the reports about what was left out. */
  readonly reports: (string | undefined)[];
}

/** The job of the world, whose reports about refused units are kept. */
function told({ job }: CoreWorld): Told {
  const reports: (string | undefined)[] = [];
  const progress: Job["progress"] = (report) => {
    if (report.code === "repository.rejected") reports.push(report.suffix);
    return job.progress(report);
  };
  return { job: { ...job, progress }, reports };
}

const refusal = (id: string): Refusal => ({ id, name: "b", reason: "because" });

test("units that the type does not take are left out of an edit, and told", async (t) => {
  const world = await createCoreWorld(t);
  const { job, reports } = told(world);
  const repository = await world.repository({ type: "zoo.published" });
  const [a = "", b = "", old = ""] = await world.files("a", "b", "old");
  await createVersion(job, repository.id, { add: [old], remove: [] });
  const asked: Admission[] = [];
  world.hooks.admit = async (_db, admission) => {
    asked.push(admission);
    return [refusal(b)];
  };

  await createVersion(job, repository.id, { add: [a, b], remove: [old] });

  assert.deepEqual(await world.members(repository, 2), ["a"]);
  assert.deepEqual(reports, ["b: because"]);
  const [{ add = [], remove = [] } = {}] = asked;
  assert.deepEqual([[...add].sort(), remove], [[a, b].sort(), [old]]);
  assert.equal(await createVersion(job, repository.id, { add: [b], remove: [] }), undefined);
  assert.deepEqual(reports, ["b: because", "b: because"]);
  assert.deepEqual(await world.versionNumbers(repository), [0, 1, 2]);
});

test("a type that refuses an edit leaves no version", async (t) => {
  const world = await createCoreWorld(t);
  const repository = await world.repository({ type: "zoo.published" });
  const add = await world.files("a");
  world.hooks.admit = () => Promise.reject(new Error("not these"));

  await assert.rejects(createVersion(world.job, repository.id, { add, remove: [] }), /not these/);

  assert.deepEqual(await world.versionNumbers(repository), [0]);
});

test("a sync leaves units out batch by batch, and tells all at its end", async (t) => {
  const world = await createCoreWorld(t);
  const { job, reports } = told(world);
  const repository = await world.repository({ type: "zoo.published" });
  const units = await world.files("a", "b", "c", "d");
  const [a = "", b = "", c = "", d = ""] = units;
  world.hooks.admit = async (_db, { add }) => add.filter((id) => [b, d].includes(id)).map(refusal);
  const draft = await openVersion(job, repository.id);

  const first = await addMembers(world.ctx, draft, [a, b]);
  await addMembers(world.ctx, draft, [c, d]);
  assert.deepEqual(reports, []);
  await completeVersion(job, draft);

  assert.deepEqual(first, { added: 1, missing: [] });
  assert.deepEqual(await world.members(repository, 1), ["a", "c"]);
  assert.deepEqual(reports, ["b: because; b: because"]);
});
