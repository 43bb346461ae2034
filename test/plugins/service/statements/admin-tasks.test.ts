import assert from "node:assert/strict";
import { test } from "node:test";
import { ADMIN, ANA } from "../people.ts";
import { below, createService, makeGroup, STRANGER } from "../support.ts";

const TASKS = "/api/pulp/admin/tasks/";
const PASSWORD = "sturdy horses";
const READER = { user: `reader:${PASSWORD}` };

test("24 admin tasks: administrators and readers read, nobody writes, the status is for all", async (t) => {
  const api = await createService(t);
  const json = { username: "reader", password: PASSWORD };
  assert.equal((await api.request("POST", below("default", "users/"), { json })).status, 201);
  await makeGroup(api, "admin-readonly", ["reader"]);
  const status = async (method: string, who: object) =>
    (await api.request(method, TASKS, { ...who, ...(method === "GET" ? {} : { json: {} }) }))
      .status;

  for (const who of [ADMIN, READER]) {
    assert.equal(await status("GET", who), 200);
    for (const method of ["HEAD", "OPTIONS"])
      assert.ok([200, 405].includes(await status(method, who)), method);
    for (const method of ["POST", "PUT", "PATCH", "DELETE"])
      assert.ok([401, 403, 405].includes(await status(method, who)), method);
  }
  for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]) {
    assert.ok([403, 405].includes(await status(method, ANA)), `a tenant, ${method}`);
    assert.equal(await status(method, STRANGER), 401, `a stranger, ${method}`);
  }
  assert.equal(await status("GET", ANA), 403);
  for (const path of ["/pulp/api/v3/status/", below("default", "status/")])
    assert.equal((await api.get(path, STRANGER)).status, 200, path);
});
