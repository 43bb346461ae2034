import assert from "node:assert/strict";
import { test } from "node:test";
import { ensureLockedRoles } from "#core/access/commands.ts";
import { createTestApi, type TestApi } from "../support/rest-api.ts";
import { addTask } from "../support/rest-rows.ts";

async function withPeople(t: Parameters<typeof createTestApi>[0]) {
  const api = await createTestApi(t);
  for (const username of ["eve", "bob"]) await api.post("users/", { username });
  await api.ctx.db.insertInto("app_group").values({ name: "crew" }).execute();
  await api.ctx.db.insertInto("group_member").values({ app_group: 1, app_user: 1 }).execute();
  return { api, href: `tasks/${await addTask(api)}/` };
}

const rolesOf = async (api: TestApi, href: string) =>
  (await api.get(`${href}list_roles/`)).body.roles;

test("roles on an object are given, listed and taken", async (t) => {
  const { api, href } = await withPeople(t);
  const grant = { users: ["eve", "bob"], groups: ["crew"], role: "core.task_viewer" };

  const added = await api.post(`${href}add_role/`, { ...grant, ignored: 1 });
  assert.equal(added.status, 201, added.text);
  assert.deepEqual(added.body, { role: grant.role, users: grant.users, groups: grant.groups });
  await api.post(`${href}add_role/`, { role: "core.task_owner", users: ["eve"] });
  assert.deepEqual(await rolesOf(api, href), [
    { role: "core.task_owner", users: ["eve"], groups: [] },
    { role: "core.task_viewer", users: ["bob", "eve"], groups: ["crew"] },
  ]);

  const removed = await api.post(`${href}remove_role/`, {
    role: "core.task_viewer",
    users: ["eve"],
    groups: ["crew"],
  });
  assert.equal(removed.status, 201);
  assert.deepEqual(await rolesOf(api, href), [
    { role: "core.task_owner", users: ["eve"], groups: [] },
    { role: "core.task_viewer", users: ["bob"], groups: [] },
  ]);
});

test("all or nobody gets a role", async (t) => {
  const { api, href } = await withPeople(t);
  await api.post(`${href}add_role/`, { role: "core.task_viewer", users: ["eve"] });

  const twice = await api.post(`${href}add_role/`, {
    role: "core.task_viewer",
    users: ["bob", "eve"],
    groups: ["crew"],
  });
  assert.equal(twice.status, 400);
  assert.deepEqual(twice.body, {
    non_field_errors: ["The role is already assigned to user 'eve'."],
  });
  const never = await api.post(`${href}remove_role/`, {
    role: "core.task_viewer",
    users: ["eve"],
    groups: ["crew"],
  });
  assert.deepEqual(never.body, {
    non_field_errors: ["The role is not assigned to group 'crew'."],
  });
  assert.deepEqual(await rolesOf(api, href), [
    { role: "core.task_viewer", users: ["eve"], groups: [] },
  ]);
});

const REFUSED: readonly (readonly [object, unknown])[] = [
  [{}, { role: ["This field is required."] }],
  [{ role: "nonsense" }, { role: ["Object with name=nonsense does not exist."] }],
  [
    { role: "core.task_viewer", users: ["eve", "zz"], groups: ["yy"] },
    {
      users: { 1: ["Object with username=zz does not exist."] },
      groups: { 0: ["Object with name=yy does not exist."] },
    },
  ],
  [
    { role: "core.upload_owner", users: ["eve"] },
    { non_field_errors: ["The role does not contain any permission for that object."] },
  ],
  [
    { role: "core.task_user_dispatcher", users: ["eve"] },
    ["core.task_user_dispatcher can not be added/removed from a task."],
  ],
  [
    { role: "core.task_viewer", users: "eve" },
    { users: ['Expected a list of items but got type "str".'] },
  ],
];

test("roles that do not fit are refused", async (t) => {
  const { api, href } = await withPeople(t);
  for (const [json, detail] of REFUSED) {
    const { status, body } = await api.post(`${href}add_role/`, json);
    assert.equal(status, 400);
    assert.deepEqual(body, detail);
  }
  assert.deepEqual(await rolesOf(api, href), []);
});

test("my_permissions tells rights on the object, by person and by group", async (t) => {
  const { api, href } = await withPeople(t);
  const mine = async () => (await api.get(`${href}my_permissions/`)).body.permissions;
  assert.deepEqual(await mine(), [], "an administrator has no rights of this kind");

  await api.post(`${href}add_role/`, { role: "core.task_viewer", groups: ["crew"] });
  assert.deepEqual(await mine(), ["core.view_task"]);
  await api.post(`${href}add_role/`, { role: "core.task_owner", users: ["admin"] });
  assert.deepEqual(await mine(), [
    ...["core.change_task", "core.delete_task", "core.manage_roles_task", "core.view_task"],
    "core.view_task_profile_artifacts",
  ]);
});

test("the maker of an upload owns it, until it is gone", async (t) => {
  const { api } = await withPeople(t);
  const { pulp_href } = (await api.post("uploads/", { size: 5 })).body;

  assert.deepEqual(await rolesOf(api, pulp_href), [
    { role: "core.upload_owner", users: ["admin"], groups: [] },
  ]);
  await api.request("DELETE", pulp_href);
  assert.deepEqual(await api.ctx.db.selectFrom("role_assignment").selectAll().execute(), []);
});

test("schedules and repositories carry roles as well", async (t) => {
  const { api } = await withPeople(t);
  const repository = (await api.post("repositories/file/file/", { name: "r" })).body.pulp_href;

  const added = await api.post(`${repository}add_role/`, {
    role: "file.filerepository_owner",
    users: ["eve"],
  });
  assert.equal(added.status, 201, added.text);
  const roles = await rolesOf(api, repository);
  assert.equal(
    roles.some(({ users }: { users: string[] }) => users.includes("eve")),
    true,
  );
});

test("shipped roles come back at every start, obsolete ones go, others stay", async (t) => {
  const { api } = await withPeople(t);
  const { db } = api.ctx;
  const before = await snapshot(api);
  const role = (name: string) => ({
    id: `01900000-0000-7000-8000-0000000000${String(name.length).padStart(2, "0")}`,
    name,
    locked: name.startsWith("core."),
  });
  await db
    .insertInto("role")
    .values([role("core.old_role"), role("mine")])
    .execute();
  await db.deleteFrom("role").where("name", "=", "core.task_owner").execute();
  await db.deleteFrom("role_permission").where("permission", "=", "core.view_upload").execute();
  await db
    .insertInto("role_permission")
    .expression((e) =>
      e
        .selectFrom("role")
        .select(["num", e.val("core.add_task").as("p")])
        .where("name", "=", "core.upload_viewer"),
    )
    .columns(["role", "permission"])
    .execute();

  await Promise.all([ensureLockedRoles(api.ctx), ensureLockedRoles(api.ctx)]);

  const after = await snapshot(api);
  assert.equal(after.delete("mine"), true);
  assert.deepEqual(after, before);
});

async function snapshot({ ctx }: TestApi): Promise<Map<string, readonly string[]>> {
  const rows = await ctx.db
    .selectFrom("role as r")
    .leftJoin("role_permission as p", "p.role", "r.num")
    .select(["r.name", "p.permission"])
    .orderBy("r.name")
    .orderBy("p.permission")
    .execute();
  const roles = new Map<string, string[]>();
  for (const { name, permission } of rows) {
    roles.set(name, [...(roles.get(name) ?? []), ...(permission ? [permission] : [])]);
  }
  return roles;
}
