import assert from "node:assert/strict";
import { test } from "node:test";
import { uuid7 } from "#base/uuid7.ts";
import { createTestApi, ROOT } from "../../support/rest-api.ts";
import { endedTask } from "../../support/run-tasks.ts";

test("of more than ten thousand units the task finds out which are not there, of fewer the request", async (t) => {
  const api = await createTestApi(t);
  const repository = (await api.post("repositories/file/file/", { name: "r" })).body.pulp_href;
  const hrefs = Array.from({ length: 10_001 }, () => `${ROOT}content/file/files/${uuid7()}/`);
  const modify = (add_content_units: readonly string[]) =>
    api.post(`${repository}modify/`, { add_content_units });

  const few = await modify(hrefs.slice(0, 10_000));
  assert.equal(few.status, 400);
  assert.match(few.text, /^\["Could not find the following content units: \[/);

  const many = await modify(hrefs);
  assert.equal(many.status, 202, many.text.slice(0, 200));
  const task = await endedTask(api, many);
  assert.equal(task.state, "failed");
  assert.match(JSON.stringify(task.error), /Could not find the following content units/);
  assert.match((await api.get(repository)).body.latest_version_href, /versions\/0\/$/);
});
