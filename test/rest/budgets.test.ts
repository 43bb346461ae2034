import assert from "node:assert/strict";
import { test } from "node:test";
import { seedFiles } from "../../bench/seed/files.ts";
import { createTestApi, type TestApi } from "../support/rest-api.ts";

/** Statements that a request sends, asked for the second time. */
async function warmCost(api: TestApi, path: string): Promise<number> {
  assert.equal((await api.get(path)).status, 200, path);
  return (await api.statementsOf(() => api.get(path))).length;
}

/** A repository whose version 1 has so many units; its href. */
async function repositoryOf(api: TestApi, units: number): Promise<string> {
  const { body } = await api.post("repositories/file/file/", { name: `of-${units}` });
  await seedFiles(api.url, body.pulp_href, units);
  return body.pulp_href;
}

test("a read of one object costs at most three statements, cold, and one, warm", async (t) => {
  const api = await createTestApi(t);
  const href = await repositoryOf(api, 1);
  const [unit] = (await api.get("content/file/files/")).body.results;
  const paths = [href, `${href}versions/1/`, unit.pulp_href, "users/1/", "status/"];

  for (const path of paths) {
    const cold = await api.statementsOf(() => api.get(path));
    assert.ok(cold.length <= 3, `${path}: ${cold.join("\n")}`);
    assert.ok((await warmCost(api, path)) <= (path === "status/" ? 3 : 1), path);
  }
});

test("a list costs at most four statements, whatever is asked for", async (t) => {
  const api = await createTestApi(t);
  const hrefs = [await repositoryOf(api, 3), await repositoryOf(api, 350)];
  const queries = hrefs.flatMap((href) => [
    `repository_version=${href}versions/1/`,
    `repository_version=${href}`,
    `repository_version_added=${href}versions/1/&relative_path__contains=1`,
    `q=repository_version="${href}" AND NOT pulp_label_select="a"`,
  ]);

  for (const query of ["", "ordering=-relative_path", ...queries]) {
    for (const limit of [1, 100, 1000]) {
      const path = `content/file/files/?${encodeURI(query)}&limit=${limit}`;
      const cost = await warmCost(api, path);
      assert.ok(cost <= 4, `${path}: ${cost}`);
    }
  }
  for (const path of ["repositories/", `${hrefs[1]}versions/`, "tasks/", "artifacts/"]) {
    for (const limit of [1, 100])
      assert.ok((await warmCost(api, `${path}?limit=${limit}`)) <= 4, path);
  }
});

test("the page of a version counts from what is stored, and knows the version by one statement", async (t) => {
  const api = await createTestApi(t);
  const href = await repositoryOf(api, 150);

  const path = `content/file/files/?repository_version=${href}versions/1/&limit=100`;
  const { body } = await api.get(path);

  assert.equal(body.count, 150);
  assert.equal(body.results.length, 100);
  assert.equal(await warmCost(api, path), 2);
});

test("small and large versions of one domain have their units, in every mode", async (t) => {
  const api = await createTestApi(t);
  const sizes = [40, 3];
  const hrefs = [await repositoryOf(api, 40), await repositoryOf(api, 3)];

  for (const [index, href] of hrefs.entries()) {
    const version = `${href}versions/1/`;
    for (const mode of ["repository_version", "repository_version_added"]) {
      const { body } = await api.get(`content/file/files/?${mode}=${version}`);
      assert.equal(body.count, sizes[index], `${mode} of ${sizes[index]}`);
      const key = href.split("/").at(-2);
      for (const unit of body.results) assert.ok(unit.relative_path.startsWith(`${key}/`));
    }
    const { body } = await api.get(`content/file/files/?repository_version_removed=${version}`);
    assert.equal(body.count, 0);
  }
});

/** Statements of a change at once and of a dispatch, asked for the second time. */
async function costOfChanges(api: TestApi): Promise<readonly number[]> {
  const { body } = await api.post("repositories/file/file/", { name: "r" });
  const patch = (email: string) => api.request("PATCH", "users/1/", { json: { email } });
  const modify = () => api.post(`${body.pulp_href}modify/`, {});
  await patch("a@x.org");
  await modify();
  const works = [() => patch("b@x.org"), modify];
  const costs: number[] = [];
  for (const work of works) {
    const statements = await api.statementsOf(work);
    // Workers are told beside the request, sooner or later.
    costs.push(statements.filter((text) => !text.includes("pg_notify")).length);
  }
  return costs;
}

test("the audit trail costs a change one statement", async (t) => {
  const without = await costOfChanges(
    await createTestApi(t, { settings: { AUDIT_ENABLED: false } }),
  );
  const withTrail = await costOfChanges(await createTestApi(t));

  assert.deepEqual(
    withTrail,
    without.map((statements) => statements + 1),
  );
});
