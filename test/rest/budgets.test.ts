import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { hashPassword } from "#core/access/passwords.ts";
import { seedFiles } from "../../bench/seed/files.ts";
import { createTestApi, type TestAnswer, type TestApi } from "../support/rest-api.ts";

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

/** Ann holds the viewer's role on each of the repositories; her password is her name. */
async function withViewer(api: TestApi, repositories: number): Promise<string> {
  const password = await hashPassword("ann", { iterations: 1 });
  const { id } = await api.ctx.db
    .insertInto("app_user")
    .values({ username: "ann", password })
    .returning("id")
    .executeTakeFirstOrThrow();
  let href = "";
  for (let n = 0; n < repositories; n += 1) {
    href = (await api.post("repositories/file/file/", { name: `r${n}` })).body.pulp_href;
  }
  await sql`insert into role_assignment (id, subject, role, kind, domain, object)
    select gen_random_uuid(), ${id}, r.num, k.num, e.domain, e.id
    from repository e, role r, object_kind k
    where r.name = 'file.filerepository_viewer' and k.name = 'file.filerepository'`.execute(
    api.ctx.db,
  );
  return href;
}

test("rights on objects cost a read no statement: one warm, and two more to log in", async (t) => {
  const api = await createTestApi(t);
  const href = await withViewer(api, 3);
  const get = (path: string) => api.request("GET", path, { user: "ann:ann" });

  const cold = await api.statementsOf(async () => assert.equal((await get(href)).status, 200));
  assert.equal(cold.length, 3, cold.join("\n"));
  const warm = await api.statementsOf(() => get(href));
  assert.equal(warm.length, 1, warm.join("\n"));
});

test("a list of a hundred costs a user with roles on objects at most four statements", async (t) => {
  const api = await createTestApi(t);
  await withViewer(api, 101);
  const path = "repositories/file/file/?limit=100";
  const get = () => api.request("GET", path, { user: "ann:ann" });

  let answer: TestAnswer | undefined;
  const cold = await api.statementsOf(async () => {
    answer = await get();
  });
  assert.ok(cold.length <= 4, cold.join("\n"));
  assert.deepEqual([answer?.body.count, answer?.body.results.length], [101, 100]);
  const warm = await api.statementsOf(get);
  // The count is believed for a second.
  assert.ok(warm.length <= 2, warm.join("\n"));
});

test("refusing somebody who is not logged in costs no statement", async (t) => {
  const api = await createTestApi(t);
  const { pulp_href } = (await api.post("repositories/file/file/", { name: "r" })).body;

  for (const method of ["GET", "PATCH", "DELETE"]) {
    const statements = await api.statementsOf(async () => {
      const json = method === "PATCH" ? { json: { name: "x" } } : {};
      const { status } = await api.request(method, pulp_href, { user: null, ...json });
      assert.equal(status, 401, method);
    });
    assert.deepEqual(statements, [], method);
  }
  const list = await api.statementsOf(() => api.request("GET", "repositories/", { user: null }));
  assert.deepEqual(list, []);
});
