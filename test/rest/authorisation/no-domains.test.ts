import assert from "node:assert/strict";
import { test } from "node:test";
import { assignRole, unassignRole } from "#core/access/commands.ts";
import { hashPassword } from "#core/access/passwords.ts";
import { python } from "#plugins/python/plugin.ts";
import { createTestApi } from "../../support/rest-api.ts";
import { everyPermission } from "./expectations.ts";

/** Viewsets, and what an object of each is made of. */
const SAMPLE: readonly (readonly [path: string, json: object])[] = [
  ["contentguards/core/rbac/", { name: "rbac" }],
  ["uploads/", { size: 10 }],
  ["remotes/file/file/", { name: "r", url: "http://x.example/" }],
  ["repositories/file/file/", { name: "r" }],
];

const ANN = { user: "ann:ann" };

test("without domains a role given in one gives nothing, and one given everywhere all of it", async (t) => {
  const api = await createTestApi(t, { shipped: [python] });
  const password = await hashPassword("ann", { iterations: 1 });
  const { id: subject } = await api.ctx.db
    .insertInto("app_user")
    .values({ username: "ann", password })
    .returning("id")
    .executeTakeFirstOrThrow();
  const role = "everything";
  const permissions = everyPermission();
  assert.equal((await api.post("roles/", { name: role, permissions })).status, 201);
  const hrefs = new Map<string, string>();
  for (const [path, json] of SAMPLE) {
    const { body, status, text } = await api.post(path, json);
    assert.equal(status, 201, text);
    hrefs.set(path, body.pulp_href);
  }
  const statuses = async (path: string): Promise<unknown> => {
    const href = hrefs.get(path) ?? "";
    const list = await api.request("GET", path, ANN);
    const read = await api.request("GET", href, ANN);
    const create = await api.request("POST", path, { json: {}, ...ANN });
    const roles = await api.request("GET", `${href}list_roles/`, ANN);
    return [list.status, list.body.count, read.status, create.status, roles.status];
  };

  const inDomain = { role, subject, domain: api.domain.num };
  await assignRole(api.ctx, inDomain);
  for (const [path] of SAMPLE)
    assert.deepEqual(await statuses(path), [200, 0, 404, 403, 404], path);
  await unassignRole(api.ctx, inDomain);
  await assignRole(api.ctx, { role, subject, domain: null });
  for (const [path] of SAMPLE)
    assert.deepEqual(await statuses(path), [200, 1, 200, 400, 200], path);
});
