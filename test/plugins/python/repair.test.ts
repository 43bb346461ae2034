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
  const lines = api.logged.filter((line) => line.startsWith("INFO Repository: r. "));
  assert.deepEqual(lines, [summary([1, "none", 1, "none"]), summary([0, "none", 0, "none"])]);
  assert.equal(await changedAt(), touched, "what is right already is no change");
  assert.equal((await api.get(unit)).body.pulp_last_updated, after.pulp_last_updated);
});

/** The line of the log that tools read, by its counts and lists. */
const summary = ([packages, left, files, wheels]: readonly unknown[]) =>
  `INFO Repository: r. ${packages} packages' metadata repaired. Not repaired packages due to either inaccessible URL or mismatched sha256: ${left}. ${files} metadata files repaired. Packages whose metadata files could not be repaired: ${wheels}.`;

test("packages without a file are told as not repaired", async (t) => {
  const api = await createPythonApi(t);
  const { pulp_href: repository } = await made(api, REPOSITORIES, { name: "r" });
  await createPackage(api, sdist(), { repository });
  await sql`update content_artifact set artifact = null`.execute(api.ctx.db);

  assert.deepEqual(counts(await repair(api, repository)), {
    "repair.metadata": [0, 1],
    "repair.metadata.failed": [1, null],
  });
  const { results } = (await api.get("content/python/packages/")).body;
  const [{ name, version, pulp_href }] = results;
  const left = `[${name}-${version} (${pulp_href.split("/").at(-2)})]`;
  assert.ok(api.logged.includes(summary([0, left, 0, "none"])), api.logged.at(-1));
});
