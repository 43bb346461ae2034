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
