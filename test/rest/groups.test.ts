import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestApi, ROOT, type TestApi } from "../support/rest-api.ts";

const PASSWORD = "a good long password";
const EVE = { user: `eve:${PASSWORD}` };

async function withPeople(t: Parameters<typeof createTestApi>[0]): Promise<TestApi> {
  const api = await createTestApi(t);
  for (const username of ["eve", "bob"]) {
    await api.post("users/", { username, password: PASSWORD });
  }
  return api;
}

const assignments = ({ ctx }: TestApi) =>
  ctx.db.selectFrom("role_assignment").select(["subject", "object"]).execute();

test("a group is made, read, changed and removed", async (t) => {
  const api = await withPeople(t);

  const made = await api.post("groups/", { name: " crew ", id: 7, unknown: 1 });
  assert.equal(made.status, 201, made.text);
  assert.equal(made.headers.location, `${ROOT}groups/1/`);
  const crew = { pulp_href: `${ROOT}groups/1/`, prn: "prn:core.group:1", name: "crew", id: 1 };
  assert.deepEqual(made.body, crew);
  assert.deepEqual((await api.get("groups/1/")).body, crew);
  assert.deepEqual((await api.get("groups/1/?fields=name")).body, crew, "it is always shown whole");

  const patched = await api.request("PATCH", "groups/1/", { json: { name: "team" } });
  assert.deepEqual(patched.body, { ...crew, name: "team" });
  const put = await api.request("PUT", "groups/1/", { json: { name: "crew" } });
  assert.deepEqual([put.status, put.body], [200, crew]);

  assert.equal((await api.request("DELETE", "groups/1/")).status, 204);
  assert.equal((await api.get("groups/1/")).status, 404);
  assert.deepEqual(await assignments(api), [], "the maker's roles on it are gone");
});

const REFUSED: readonly (readonly [object, object])[] = [
  [{}, { name: ["This field is required."] }],
  [{ name: "" }, { name: ["This field may not be blank."] }],
  [{ name: null }, { name: ["This field may not be null."] }],
  [{ name: "x".repeat(151) }, { name: ["Ensure this field has no more than 150 characters."] }],
  [{ name: "crew" }, { name: ["This field must be unique."] }],
];

test("what a group may not be", async (t) => {
  const api = await createTestApi(t);
  await api.post("groups/", { name: "crew" });
  await api.post("groups/", { name: "team" });
  for (const [json, detail] of REFUSED) {
    const { status, body } = await api.post("groups/", json);
    assert.deepEqual([status, body], [400, detail], JSON.stringify(json));
  }
  const { body } = await api.request("PATCH", "groups/2/", { json: { name: "crew" } });
  assert.deepEqual(body, { name: ["This field must be unique."] });
  assert.equal((await api.get("groups/")).body.count, 2);
});

test("groups are found by number and name", async (t) => {
  const api = await createTestApi(t);
  for (const name of ["alpha", "Beta", "gamma"]) await api.post("groups/", { name });
  const ids = async (query: string) =>
    (await api.get(`groups/?${query}`)).body.results.map(({ id }: { id: number }) => id);

  assert.deepEqual(await ids(""), [3, 2, 1]);
  assert.deepEqual(await ids("id=2"), [2]);
  assert.deepEqual(await ids("id__in=1,3&ordering=id"), [1, 3]);
  assert.deepEqual(await ids("name__iexact=beta"), [2]);
  assert.deepEqual(await ids("name__icontains=A&ordering=-name"), [3, 1, 2]);
  assert.deepEqual(await ids("name__in=alpha,gamma"), [3, 1]);
  assert.deepEqual(await ids(`pulp_href__in=${ROOT}groups/3/`), [3]);
  assert.deepEqual(await ids("prn__in=prn:core.group:2"), [2]);
  const { status, body } = await api.get("groups/?name__startswith=a");
  assert.deepEqual([status, body], [400, { errors: ["Invalid Filter: 'name__startswith'"] }]);
});

test("members come by name or number, once, and go", async (t) => {
  const api = await withPeople(t);
  await api.post("groups/", { name: "crew" });
  const eve = { pulp_href: `${ROOT}users/2/`, prn: "prn:auth.user:2", username: "eve" };

  const added = await api.post("groups/1/users/", { username: "eve" });
  assert.deepEqual([added.status, added.body], [201, eve], added.text);
  assert.equal((await api.post("groups/1/users/", { id: 2 })).status, 201, "again");
  assert.equal((await api.post("groups/1/users/", { pk: 3 })).body.username, "bob");
  const { body } = await api.get("groups/1/users/?nonsense=1");
  assert.deepEqual(
    body.results.map(({ username }: { username: string }) => username),
    ["bob", "eve"],
  );
  assert.equal((await api.get("users/?prn__in=prn:auth.user:2")).body.count, 1);

  assert.equal((await api.request("DELETE", "groups/1/users/2/")).status, 204);
  assert.equal((await api.request("DELETE", "groups/1/users/2/")).status, 204, "no member");
  assert.equal((await api.request("DELETE", "groups/1/users/77/")).status, 404);
  assert.equal((await api.request("DELETE", "groups/9/users/2/")).status, 404);
  assert.equal((await api.get("groups/1/users/")).body.count, 1);
  assert.equal((await api.get("groups/9/users/")).status, 404);
  assert.equal((await api.post("groups/9/users/", { id: 2 })).status, 404);
  assert.equal((await api.get("groups/1/users/3/")).status, 405);
});

test("nobody is added without a name", async (t) => {
  const api = await withPeople(t);
  await api.post("groups/", { name: "crew" });
  const refused: readonly (readonly [object, unknown])[] = [
    [{}, ["Please provide one of the following values for User: 'pk', 'id', 'username'"]],
    [{ username: "zed" }, ["Could not find user zed"]],
    [{ id: 77 }, ["Could not find user 77"]],
    [{ pk: "x" }, { pk: ["A valid integer is required."] }],
    [{ id: 9_007_199_254_740_991 }, ["Could not find user 9007199254740991"]],
  ];
  for (const [json, detail] of refused) {
    const { status, body } = await api.post("groups/1/users/", json);
    assert.deepEqual([status, body], [400, detail], JSON.stringify(json));
  }
});

test("who may make groups owns them, and whoever may not see them finds nothing", async (t) => {
  const api = await withPeople(t);
  await api.post("groups/", { name: "hidden" });
  assert.equal((await api.request("POST", "groups/", { json: { name: "x" }, ...EVE })).status, 403);
  await api.ctx.db
    .insertInto("role_assignment")
    .expression((e) =>
      e
        .selectFrom("role")
        .select(["role.id", e.val(2).as("subject"), "num"])
        .where("name", "=", "core.group_creator"),
    )
    .columns(["id", "subject", "role"])
    .execute();
  await api.request("PATCH", "users/2/", { json: { first_name: "E" } });

  const mine = await api.request("POST", "groups/", { json: { name: "mine" }, ...EVE });
  assert.equal(mine.status, 201, mine.text);
  assert.deepEqual((await api.get("groups/2/list_roles/", EVE)).body.roles, [
    { role: "core.group_owner", users: ["eve"], groups: [] },
  ]);
  assert.deepEqual((await api.get("groups/2/my_permissions/", EVE)).body.permissions, [
    ...["core.change_group", "core.delete_group", "core.manage_roles_group", "core.view_group"],
  ]);
  const { body } = await api.get("groups/", EVE);
  assert.deepEqual([body.count, body.results[0].name], [1, "mine"]);
  assert.equal((await api.get("groups/1/", EVE)).status, 404);
  assert.equal((await api.get("groups/1/users/", EVE)).status, 404);

  const json = { username: "bob" };
  assert.equal((await api.request("POST", "groups/2/users/", { json, ...EVE })).status, 201);
  const viewer = { role: "core.group_viewer", users: ["bob"] };
  const given = await api.request("POST", "groups/2/add_role/", { json: viewer, ...EVE });
  assert.equal(given.status, 201, given.text);
  const bob = { user: `bob:${PASSWORD}` };
  assert.equal((await api.get("groups/2/users/", bob)).body.count, 1);
  assert.equal((await api.request("DELETE", "groups/2/users/3/", bob)).status, 403);
  assert.equal((await api.request("DELETE", "groups/2/users/3/", EVE)).status, 204);
  assert.equal((await api.request("DELETE", "groups/2/", bob)).status, 403);
  assert.equal((await api.request("DELETE", "groups/2/", EVE)).status, 204);
});
