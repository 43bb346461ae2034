import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import type { TestApi } from "../../support/rest-api.ts";
import { type EndedTask, endedTask } from "../../support/run-tasks.ts";
import { sdist, wheel } from "./distributions.ts";
import { createPackage, createPythonApi, made, REPOSITORIES } from "./support.ts";

const repair = async (api: TestApi, repository: string): Promise<EndedTask> =>
  endedTask(api, await api.post(`${repository}repair_metadata/`, {}));

const counts = ({ progress_reports }: EndedTask) =>
  Object.fromEntries(progress_reports.map(({ code, done, total }) => [code, [done, total]]));

test("wrong columns are corrected, and a wheel gets its metadata", async (t) => {
  const api = await createPythonApi(t);
  const { db } = api.ctx;
  const { pulp_href: repository } = await made(api, REPOSITORIES, { name: "r" });
  const file = wheel({ headers: ["Summary: right", "Requires-Dist: flask"] });
  const { created_resources } = await createPackage(api, file, { repository });
  await createPackage(api, sdist(), { repository });
  const unit = created_resources.at(-1) ?? "";
  const before = (await api.get(unit)).body;
  const changedAt = async () => (await api.get(`${repository}versions/2/`)).body.pulp_last_updated;
  const untouched = await changedAt();
  await sql`update python_package set summary = 'wrong', requires_dist = 'null',
    metadata_sha256 = null, size = 0 where filename = ${file.filename}`.execute(db);
  await sql`delete from content_artifact where relative_path like '%.metadata'`.execute(db);

  const task = await repair(api, repository);

  assert.equal(task.state, "completed", JSON.stringify(task.error));
  assert.deepEqual(counts(task), {
    "repair.metadata": [2, 2],
    "repair.metadata.failed": [0, null],
  });
  const [report] = task.progress_reports.filter(({ code }) => code === "repair.metadata");
  assert.equal(report?.message, "Repairing packages' metadata");
  const after = (await api.get(unit)).body;
  assert.deepEqual({ ...after, pulp_last_updated: "" }, { ...before, pulp_last_updated: "" });
  assert.notEqual(after.pulp_last_updated, before.pulp_last_updated);
  const { rows } = await sql`select from content_artifact
    where relative_path = ${`${file.filename}.metadata`} and artifact is not null`.execute(db);
  assert.equal(rows.length, 1);
  assert.match((await api.get(repository)).body.latest_version_href, /versions\/2\/$/);
  const touched = await changedAt();
  assert.notEqual(touched, untouched);
  const again = await repair(api, repository);
  assert.equal(again.state, "completed");
  assert.equal(await changedAt(), touched, "what is right already is no change");
  assert.equal((await api.get(unit)).body.pulp_last_updated, after.pulp_last_updated);
});

test("packages without a file are told as not repaired", async (t) => {
  const api = await createPythonApi(t);
  const { pulp_href: repository } = await made(api, REPOSITORIES, { name: "r" });
  await createPackage(api, sdist(), { repository });
  await sql`update content_artifact set artifact = null`.execute(api.ctx.db);

  assert.deepEqual(counts(await repair(api, repository)), {
    "repair.metadata": [0, 1],
    "repair.metadata.failed": [1, null],
  });
});
