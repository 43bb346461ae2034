import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { hashPassword } from "#core/access/passwords.ts";
import { createTestApi, type TestApi } from "../support/rest-api.ts";

/** The API with users who hold nothing yet: their password is their name. */
async function withUsers(t: TestContext, ...names: readonly string[]): Promise<TestApi> {
  const api = await createTestApi(t);
  for (const username of names) {
    const password = await hashPassword(username, { iterations: 1 });
    await api.ctx.db.insertInto("app_user").values({ username, password }).execute();
  }
  return api;
}

const as = (user: string) => ({ user: `${user}:${user}` });

const REPOSITORIES = "repositories/file/file/";

const make = (api: TestApi, user: string, name: string) =>
  api.request("POST", REPOSITORIES, { json: { name }, ...as(user) });

test("a creator sees what is theirs, a viewer may only look, a stranger sees nothing", async (t) => {
  const api = await withUsers(t, "ann", "vic", "zed");
  await giveEverywhere(api, "ann", "file.filerepository_creator");
  await giveEverywhere(api, "vic", "file.filerepository_viewer");

  assert.equal((await make(api, "vic", "no")).status, 403);
  const made = await make(api, "ann", "hers");
  assert.equal(made.status, 201, made.text);
  const href = made.body.pulp_href;
  await api.post(REPOSITORIES, { name: "admins" });

  const count = async (user: string) =>
    (await api.request("GET", REPOSITORIES, as(user))).body.count;
  assert.equal(await count("ann"), 1);
  assert.equal(await count("vic"), 2);
  assert.equal(await count("zed"), 0);

  const status = async (user: string, method: string, json?: unknown) =>
    (await api.request(method, href, { ...as(user), ...(json ? { json } : {}) })).status;
  assert.equal(await status("ann", "GET"), 200);
  assert.equal(await status("vic", "GET"), 200);
  assert.equal(await status("zed", "GET"), 404);
  assert.equal(await status("vic", "PATCH", { description: "x" }), 403);
  assert.equal(await status("zed", "PATCH", { description: "x" }), 404);
  assert.equal(await status("ann", "PATCH", { description: "x" }), 202);
  assert.equal((await api.request("GET", href, { user: null })).status, 401);

  const mine = await api.request("GET", `${href}my_permissions/`, as("ann"));
  assert.deepEqual(mine.body.permissions, [
    "file.change_filerepository",
    "file.delete_filerepository",
    "file.manage_roles_filerepository",
    "file.modify_filerepository",
    "file.repair_filerepository",
    "file.sync_filerepository",
    "file.view_filerepository",
  ]);
});

/** Gives a role at the level of the model. */
async function giveEverywhere(api: TestApi, username: string, role: string): Promise<void> {
  const { id } = await api.ctx.db
    .selectFrom("app_user")
    .select("id")
    .where("username", "=", username)
    .executeTakeFirstOrThrow();
  const { num } = await api.ctx.db
    .selectFrom("role")
    .select("num")
    .where("name", "=", role)
    .executeTakeFirstOrThrow();
  const values = { id: crypto.randomUUID(), subject: id, role: num };
  await api.ctx.db.insertInto("role_assignment").values(values).execute();
}

test("an administrator is told why somebody may do something, or may not", async (t) => {
  const api = await withUsers(t, "ann", "vic", "zed");
  await giveEverywhere(api, "ann", "file.filerepository_creator");
  await giveEverywhere(api, "vic", "file.filerepository_viewer");
  const { pulp_href: object } = (await make(api, "ann", "hers")).body;
  const explain = async (user: string | null, operation: string, more: object = { object }) =>
    (await api.post("permissions/explain/", { user, operation, ...more })).body;
  const UPDATE = "repositories_file_file_partial_update";

  const owner = await explain("ann", UPDATE);
  assert.equal(owner.allowed, true, JSON.stringify(owner));
  assert.deepEqual(
    owner.grants.map((one: { level: string; role: string }) => [one.level, one.role]),
    [
      ["object", "file.filerepository_owner"],
      ["object", "file.filerepository_owner"],
    ],
  );
  const viewer = await explain("vic", UPDATE);
  assert.equal(viewer.allowed, false);
  const change = "has_model_or_domain_or_obj_perms:file.change_filerepository";
  assert.equal(viewer.reason, `${change} does not hold.`);
  const stranger = await explain("zed", UPDATE);
  assert.equal(stranger.reason, `${change}: No FileRepository matches the given query.`);
  assert.equal(
    (await explain(null, UPDATE)).reason,
    "No statement allows it to strangers: log in.",
  );
  assert.equal((await explain("admin", UPDATE)).allowed, true);
  assert.equal((await explain("zed", "repositories_file_file_list", {})).allowed, true);
  const only = await explain("zed", "users_list", {});
  assert.deepEqual(
    [only.allowed, only.policy, only.reason],
    [false, null, "Only administrators may use this address."],
  );

  const questions = [
    [{ user: "nobody", operation: UPDATE }, "user"],
    [{ user: "zed", operation: "nonsense" }, "operation"],
    [{ user: "zed", operation: "users_read", object }, "object"],
  ] as const;
  for (const [question, field] of questions) {
    const { status, body } = await api.post("permissions/explain/", question);
    assert.deepEqual([status, Object.keys(body)], [400, [field]]);
  }
  const refused = await api.request("POST", "permissions/explain/", {
    json: { user: "zed", operation: UPDATE },
    ...as("zed"),
  });
  assert.equal(refused.status, 403);
});

test("a relation of the body is looked at before the work, and a bad body only if one may", async (t) => {
  const api = await withUsers(t, "ann", "zed");
  await giveEverywhere(api, "ann", "file.filerepository_creator");
  const remote = (await api.post("remotes/file/file/", { name: "r", url: "http://x.example/" }))
    .body;
  const attempt = (user: string, json: object) =>
    api.request("POST", REPOSITORIES, { json, ...as(user) });

  assert.equal((await attempt("ann", { name: "a", remote: remote.pulp_href })).status, 403);
  assert.equal((await attempt("ann", { name: 1, nonsense: 1 })).status, 400);
  assert.equal((await attempt("zed", { name: 1, nonsense: 1 })).status, 403);

  await api.post(`${remote.pulp_href}add_role/`, {
    role: "file.fileremote_viewer",
    users: ["ann"],
  });
  assert.equal((await attempt("ann", { name: "a", remote: remote.pulp_href })).status, 201);
});

test("a changed policy counts at once, and reset brings back what ships", async (t) => {
  const api = await withUsers(t, "ann");
  const [policy] = (await api.get("access_policies/?viewset_name=tasks")).body.results;
  assert.equal((await api.request("GET", "tasks/", as("ann"))).status, 200);
  const { body: changed } = await api.request("PATCH", policy.pulp_href, {
    json: {
      statements: [
        { action: ["list"], principal: "id:999", effect: "allow" },
        { action: "*", principal: "admin", effect: "allow" },
      ],
    },
  });
  assert.equal(changed.customized, true);
  assert.equal((await api.request("GET", "tasks/", as("ann"))).status, 403);
  const reset = await api.post(`${policy.pulp_href}reset/`, {});
  assert.deepEqual([reset.status, reset.body.customized], [200, false]);
  assert.deepEqual(reset.body.statements, policy.statements);
  assert.equal((await api.request("GET", "tasks/", as("ann"))).status, 200);
});

const BAD_POLICIES: readonly (readonly [object, RegExp])[] = [
  [{ statements: [{ action: "list", principal: "*" }] }, /'effect' must be/],
  [{ statements: ["x"] }, /Expected a dictionary/],
  [
    { statements: [{ action: "*", principal: "*", effect: "allow", condition: "nonsense:x" }] },
    /There is no condition 'nonsense'/,
  ],
  [
    {
      statements: [
        {
          action: "*",
          principal: "*",
          effect: "allow",
          condition_expression: "(has_model_perms:a.b",
        },
      ],
    },
    /is missing in/,
  ],
  [{ creation_hooks: [{ function: "nonsense" }] }, /There is no creation hook 'nonsense'/],
  [{ creation_hooks: [{ function: "add_roles_for_users" }] }, /needs 'roles'/],
  [{ queryset_scoping: { function: "own" } }, /only 'scope_queryset'/],
  [{ viewset_name: "x", statements: [], customized: false, nonsense: 1 }, /nonsense/],
];

test("a policy that could only fail is refused with what is wrong", async (t) => {
  const api = await withUsers(t);
  const [policy] = (await api.get("access_policies/?viewset_name=uploads")).body.results;
  for (const [json, text] of BAD_POLICIES) {
    const { status, text: answer } = await api.request("PATCH", policy.pulp_href, { json });
    assert.equal(status, 400, answer);
    assert.match(answer, text);
  }
  assert.equal((await api.get(policy.pulp_href)).body.customized, false);
  assert.equal((await api.request("DELETE", policy.pulp_href)).status, 405);
  assert.equal((await api.post("access_policies/", {})).status, 405);
});

test("the setting says where policies come from, and a name that nobody knows stops the start", async (t) => {
  const withClass = (name: string, settings = {}) =>
    createTestApi(t, {
      settings: { REST_FRAMEWORK: { DEFAULT_PERMISSION_CLASSES: [name] }, ...settings },
    });
  const given = { tasks: { statements: [{ action: "*", principal: "staff", effect: "allow" }] } };
  const source = "pulpcore.app.access_policy.AccessPolicyFromSettings";
  const api = await withClass(source, { ACCESS_POLICIES: given });
  const user = { username: "ann", password: await hashPassword("ann", { iterations: 1 }) };
  await api.ctx.db.insertInto("app_user").values(user).execute();
  assert.equal((await api.request("GET", "tasks/", as("ann"))).status, 403);
  assert.equal((await api.request("GET", "uploads/", as("ann"))).status, 200);

  const open = await withClass("rest_framework.permissions.AllowAny");
  assert.equal((await open.request("GET", "users/", { user: null })).status, 200);
  await assert.rejects(withClass("my.Own"), /my\.Own; it takes one of .*AccessPolicyFromDB/);
});

test("a long list counts what one sees, whatever else there is and however it is asked", async (t) => {
  const api = await withUsers(t, "ann");
  const hrefs: string[] = [];
  for (let n = 0; n < 7; n += 1) {
    hrefs.push((await api.post(REPOSITORIES, { name: `r${n}` })).body.pulp_href);
  }
  const grant = { role: "file.filerepository_viewer", users: ["ann"] };
  for (const href of hrefs.slice(0, 5)) await api.post(`${href}add_role/`, grant);
  await api.post(`${hrefs[0]}add_role/`, { ...grant, role: "file.filerepository_owner" });
  const pageOf = async (query: string) =>
    (await api.request("GET", `${REPOSITORIES}?limit=2${query}`, as("ann"))).body;

  assert.equal((await pageOf("")).count, 5, "one that carries two roles counts once");
  assert.equal((await pageOf("&offset=4")).results.length, 1);
  assert.equal((await pageOf("&name__in=r0,r1,r2,r6")).count, 3);
  assert.equal((await pageOf("&ordering=name")).results[0].name, "r0");
});
