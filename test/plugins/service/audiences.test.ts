import assert from "node:assert/strict";
import { test } from "node:test";
import { dispatch } from "#core/tasks/commands.ts";
import { noOp } from "#plugins/service/operations/tasks.ts";
import type { RequestOptions, TestApi } from "../../support/rest-api.ts";
import {
  as,
  below,
  createService,
  makeDomain,
  makeGroup,
  RBAC,
  STRANGER,
  user,
} from "./support.ts";

const TASKS = "/api/pulp/admin/tasks/";
const PASSWORD = "sturdy horses";
const STAFF: RequestOptions = { user: `staff:${PASSWORD}` };
const READER: RequestOptions = { user: `reader:${PASSWORD}` };
const NOBODY = as(user("mara", "44"));

async function withPeople(api: TestApi): Promise<TestApi> {
  for (const [username, more] of [
    ["staff", { is_staff: true }] as const,
    ["reader", {}] as const,
  ]) {
    const json = { username, password: PASSWORD, ...more };
    const made = await api.request("POST", below("default", "users/"), { json });
    assert.equal(made.status, 201, made.text);
  }
  await makeGroup(api, "admin-readonly", ["reader"]);
  return api;
}

const CLASSES = {
  "domains decide": {},
  "roles decide": { REST_FRAMEWORK: { DEFAULT_PERMISSION_CLASSES: [RBAC] } },
};

for (const [name, settings] of Object.entries(CLASSES)) {
  test(`5.5: what is for administrators is for the staff as well, where ${name}`, async (t) => {
    const api = await withPeople(await createService(t, settings));
    const status = async (who: RequestOptions, method = "GET", path = TASKS) =>
      (await api.request(method, path, who)).status;
    for (const who of [{}, STAFF, READER]) {
      assert.deepEqual([await status(who), await status(who, "HEAD")], [200, 200]);
      assert.equal(await status(who, "OPTIONS"), 200);
      assert.equal(await status(who, "POST"), 405);
    }
    assert.equal(await status(STRANGER), 401);
    assert.equal(await status(STRANGER, "POST"), 401);
    assert.equal(await status(NOBODY), 403);
    const queue = "/api/pulp/debug/task-queue/";
    assert.equal(await status(STAFF, "GET", queue), 200);
    assert.equal(await status(READER, "GET", queue), 403, "readers read no more than the tasks");
    assert.equal(await status(STAFF, "GET", below("default", "domain_orgs/")), 403);
  });
}

test("5.5: without a group of readers there are none", async (t) => {
  const api = await withPeople(await createService(t, { ADMIN_READONLY_GROUP: "" }));
  assert.equal((await api.get(TASKS, READER)).status, 403);
});

test("10: tasks of all domains, each with the addresses of its own", async (t) => {
  const api = await withPeople(await createService(t));
  await makeDomain(api, "team-a", {});
  const domain = await api.ctx.db
    .selectFrom("domain")
    .select(["num", "id", "name"])
    .where("name", "=", "team-a")
    .executeTakeFirstOrThrow();
  const one = { task: noOp, input: {}, immediate: false };
  const first = await dispatch(api.ctx, { ...one, caller: api.caller });
  const caller = { ...api.caller, domain, parentTask: first.id };
  const second = await dispatch(api.ctx, { ...one, caller });

  const page = async (query: string) => (await api.get(`${TASKS}${query}`, READER)).body;
  const { count, results } = await page("?fields=pulp_href,parent_task");
  assert.equal(count, 2);
  assert.deepEqual(results, [
    {
      pulp_href: below("team-a", `tasks/${second.id}/`),
      parent_task: below("team-a", `tasks/${first.id}/`),
    },
    { pulp_href: below("default", `tasks/${first.id}/`), parent_task: null },
  ]);
  const older = await page("?ordering=pulp_created&limit=1&state=waiting");
  assert.equal(older.results[0].pulp_href, below("default", `tasks/${first.id}/`));
  assert.match(older.next, /\/api\/pulp\/admin\/tasks\/\?.*offset=1/);
  assert.equal((await page("?pulp_created__gte=2999-01-01")).count, 0);
  const bad = await api.get(`${TASKS}?nonsense=1`, READER);
  assert.equal(bad.status, 400);
  const sent = await api.statementsOf(() => page("?limit=100"));
  assert.ok(sent.length <= 2, sent.join("\n"));
});

test("10: a token that is for some domains does not see all of them", async (t) => {
  const api = await createService(t);
  const token = async (domains: readonly string[] | null) => {
    const json = {
      name: String(domains),
      scopes: ["read"],
      ...(domains ? { domains } : {}),
      expires: null,
    };
    const made = await api.request("POST", below("default", "tokens/"), { json });
    assert.equal(made.status, 201, made.text);
    return { user: null, headers: { authorization: `Bearer ${made.body.token}` } };
  };
  assert.equal((await api.get(TASKS, await token(null))).status, 200);
  assert.equal((await api.get(TASKS, await token(["default"]))).status, 403);
});
