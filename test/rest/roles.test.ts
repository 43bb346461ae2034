import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestApi, ROOT, type TestApi } from "../support/rest-api.ts";

const HIDDEN = "01900000-0000-7000-8000-000000000000";

test("a role is made, read, changed and removed", async (t) => {
  const api = await createTestApi(t);
  const permissions = ["file.view_filerepository", "core.view_task", "core.view_task"];

  const made = await api.post("roles/", { name: "mine", permissions });
  assert.equal(made.status, 201, made.text);
  assert.equal(made.headers.location, made.body.pulp_href);
  const { pulp_href, prn, pulp_created, pulp_last_updated, ...rest } = made.body;
  assert.match(pulp_href, /^\/pulp\/api\/v3\/roles\/[-0-9a-f]{36}\/$/);
  assert.equal(prn, `prn:core.role:${pulp_href.split("/").at(-2)}`);
  assert.equal(pulp_created <= pulp_last_updated, true);
  assert.deepEqual(rest, {
    name: "mine",
    description: null,
    permissions: ["core.view_task", "file.view_filerepository"],
    locked: false,
  });

  const json = { description: "Looks at tasks", permissions: ["core.view_task"], locked: true };
  const patched = await api.request("PATCH", pulp_href, { json: { ...json, locked: undefined } });
  assert.equal(patched.status, 200, patched.text);
  assert.deepEqual(
    [patched.body.description, patched.body.permissions, patched.body.locked],
    ["Looks at tasks", ["core.view_task"], false],
  );
  const put = await api.request("PUT", pulp_href, { json: { name: "yours", permissions: [] } });
  assert.deepEqual([put.status, put.body.name, put.body.permissions], [200, "yours", []]);
  assert.equal((await api.get(`${pulp_href}?fields=name`)).text, '{"name":"yours"}');

  assert.equal((await api.request("DELETE", pulp_href)).status, 204);
  assert.equal((await api.get(pulp_href)).status, 404);
});

const REFUSED: readonly (readonly [object, object])[] = [
  [{}, { name: ["This field is required."], permissions: ["This field is required."] }],
  [
    { name: "x", permissions: ["view_task"] },
    { permissions: ["Permission 'view_task' is not in the format '<app_label>.<codename>'."] },
  ],
  [
    { name: "x", permissions: ["core.view_task", "core.nonsense", "gem.view_gemremote"] },
    {
      permissions: [
        "Permission 'core.nonsense' does not exist.",
        "Permission 'gem.view_gemremote' does not exist.",
      ],
    },
  ],
  [
    { name: "core.task_owner", permissions: ["core.view_task"] },
    { name: ["This field must be unique."] },
  ],
];

test("what a role may not be", async (t) => {
  const api = await createTestApi(t);
  const { count } = (await api.get("roles/")).body;
  for (const [json, detail] of REFUSED) {
    const { status, body } = await api.post("roles/", json);
    assert.deepEqual([status, body], [400, detail], JSON.stringify(json));
  }
  assert.equal((await api.get("roles/")).body.count, count);
});

test("locked roles stay as they are", async (t) => {
  const api = await createTestApi(t);
  const [role] = (await api.get("roles/?name=core.task_viewer")).body.results;
  assert.deepEqual([role.locked, role.permissions], [true, ["core.view_task"]]);

  const json = { name: "core.task_viewer", permissions: ["core.view_task"] };
  for (const [method, options] of [
    ["PUT", { json }],
    ["PATCH", { json: { description: "mine" } }],
    ["DELETE", {}],
  ] as const) {
    const { status, body } = await api.request(method, role.pulp_href, options);
    assert.deepEqual([status, body], [403, { detail: "The role is locked." }], method);
  }
  assert.deepEqual((await api.get(role.pulp_href)).body, role);
});

const namesOf = async (api: TestApi, query: string): Promise<readonly string[]> => {
  const { status, body, text } = await api.get(`roles/?ordering=name&${query}`);
  assert.equal(status, 200, text);
  return body.results.map(({ name }: { name: string }) => name);
};

test("roles are found by what they say", async (t) => {
  const api = await createTestApi(t);
  const permissions = ["core.view_task", "core.change_group"];
  await api.post("roles/", { name: "mixed", permissions, description: "Some of Both" });
  await api.post("roles/", { name: "empty", permissions: [] });

  assert.deepEqual(await namesOf(api, "contains_permission=core.view_task"), [
    ...["core.task_owner", "core.task_viewer", "mixed"],
  ]);
  assert.deepEqual(await namesOf(api, "contains_permission=view_task&locked=false"), ["mixed"]);
  const either = "contains_permission=core.add_task&contains_permission=change_group";
  assert.deepEqual(await namesOf(api, either), [
    ...["core.group_owner", "core.task_user_dispatcher", "mixed"],
  ]);
  assert.deepEqual(await namesOf(api, `for_object_type=${ROOT}tasks/`), [
    ...["core.task_owner", "core.task_user_dispatcher", "core.task_viewer"],
  ]);
  assert.deepEqual(await namesOf(api, "locked=FALSE"), ["empty", "mixed"]);
  assert.deepEqual(await namesOf(api, "description__icontains=both"), ["mixed"]);
  assert.deepEqual(await namesOf(api, "description__iexact=some of both"), ["mixed"]);
  assert.deepEqual(await namesOf(api, "name__startswith=core.group_"), [
    ...["core.group_creator", "core.group_owner", "core.group_viewer"],
  ]);
  assert.deepEqual(await namesOf(api, "q=NOT locked=true AND name__regex='^e'"), ["empty"]);
  assert.deepEqual(await namesOf(api, "name__startswith=file.file_"), ["file.file_uploader"]);

  const lost = await api.get("roles/?for_object_type=/nowhere/");
  assert.deepEqual([lost.status, lost.body], [400, ["URI couldn't be resolved: /nowhere/"]]);
});

test("a role's holders gain and lose with it", async (t) => {
  const api = await createTestApi(t);
  const user = "eve:a good long password";
  await api.post("users/", { username: "eve", password: "a good long password" });
  const permissions = ["core.add_group"];
  const { pulp_href } = (await api.post("roles/", { name: "maker", permissions })).body;
  await api.post("users/2/roles/", { role: "maker", content_object: null });
  const make = async (name: string) =>
    (await api.request("POST", "groups/", { json: { name }, user })).status;

  assert.equal(await make("a"), 201);
  await api.request("PATCH", pulp_href, { json: { permissions: ["core.view_group"] } });
  assert.equal(await make("b"), 403);
  await api.request("PATCH", pulp_href, { json: { permissions } });
  assert.equal(await make("b"), 201);
  await api.request("DELETE", pulp_href);
  assert.equal(await make("c"), 403);
  assert.equal((await api.get("users/2/roles/?content_object=null")).body.count, 0);
});

test("roles are for administrators", async (t) => {
  const api = await createTestApi(t);
  await api.post("users/", { username: "eve", password: "a good long password" });
  const user = "eve:a good long password";
  for (const path of ["roles/", `roles/${HIDDEN}/`, "users/2/roles/", "groups/1/roles/"]) {
    assert.equal((await api.get(path, { user })).status, 403, path);
    assert.equal((await api.get(path, { user: null })).status, 401, path);
  }
});
