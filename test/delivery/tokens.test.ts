import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { addObjectRole, createToken, deleteToken, revokeToken } from "#core/access/commands.ts";
import { hashPassword } from "#core/access/passwords.ts";
import type { TokenScope } from "#core/access/token-scope.ts";
import { newToken } from "#core/access/token-text.ts";
import { coreGuardHandlers } from "#delivery/guards/core-guards.ts";
import { eventually } from "../support/eventually.ts";
import { createTestApi } from "../support/rest-api.ts";
import { createSite } from "./site.ts";

const FILE = "/pulp/content/d/f";
const ROLE = "core.rbaccontentguard_downloader";

/** A guarded file, `eve` who may download it, and the API as another process. */
async function guarded(t: TestContext) {
  const api = await createTestApi(t);
  const site = await createSite(t, { beside: api, guards: coreGuardHandlers });
  const { id } = await site.rows.published("d", [{ path: "f", bytes: "secret bytes" }]);
  const { body } = await api.post("contentguards/core/rbac/", { name: "g" });
  const guard = String(body.prn).split(":")[2] ?? "";
  await site.ctx.db.updateTable("distribution").set({ guard }).where("id", "=", id).execute();
  const password = await hashPassword("eve of the tests", { iterations: 1 });
  const { id: eve } = await api.ctx.db
    .insertInto("app_user")
    .values({ username: "eve", password })
    .returning("id")
    .executeTakeFirstOrThrow();
  const object = { model: "core.rbaccontentguard", id: guard, domain: api.domain.num };
  const grant = { role: ROLE, users: ["eve"], groups: [] };
  await addObjectRole(api.ctx, object, grant);
  let count = 0;
  return {
    ...{ api, site, eve, prn: String(body.prn) },
    make: (scope: TokenScope, owner = eve) => {
      count += 1;
      return createToken(api.ctx.db, { owner, name: `t${count}`, scope, expires: null });
    },
    status: async (authorization: string) => (await site.get(FILE, { authorization })).status,
  };
}

const basic = (name: string, token: string) =>
  `Basic ${Buffer.from(`${name}:${token}`).toString("base64")}`;

test("a token opens a guarded file as Bearer and as the password of Basic", async (t) => {
  const { make, status } = await guarded(t);
  const { token } = await make({ permissions: ["read"] });

  for (let round = 0; round < 2; round += 1) {
    for (const header of [
      `Bearer ${token}`,
      `bearer  ${token}`,
      basic("eve", token),
      basic("__token__", token),
      basic("anybody", token),
    ])
      assert.equal(await status(header), 200, header);
    for (const header of [
      `Bearer ${token}x`,
      `Bearer ${newToken()}`,
      basic("admin", token),
      `Token ${token}`,
      "Bearer",
    ])
      assert.equal(await status(header), 403, header);
  }
});

test("a token opens what both it and its owner may", async (t) => {
  const { make, status, prn } = await guarded(t);
  const scopes: readonly (readonly [TokenScope, number])[] = [
    [{ permissions: ["*"] }, 200],
    [{ permissions: ["core.download_rbaccontentguard"] }, 200],
    [{ permissions: ["core.*"], domains: ["default"] }, 200],
    [{ permissions: ["read"], objects: [prn] }, 200],
    [{ permissions: ["file.*", "core.view_task"] }, 403],
    [{ permissions: ["*"], domains: ["elsewhere"] }, 403],
    [{ permissions: ["*"], objects: ["prn:core.rbaccontentguard:0"] }, 403],
    [{ permissions: [] }, 403],
  ];
  for (const [scope, expected] of scopes) {
    const { token } = await make(scope);
    assert.equal(await status(`Bearer ${token}`), expected, JSON.stringify(scope));
  }
});

test("a token that ends elsewhere opens nothing any more", async (t) => {
  const { api, eve, make, status } = await guarded(t);
  const ends = {
    revoked: (id: string) => revokeToken(api.ctx, id),
    removed: (id: string) => deleteToken(api.ctx, id),
    "of nobody": () => api.request("PATCH", `users/${eve}/`, { json: { is_active: false } }),
  };
  for (const [what, end] of Object.entries(ends)) {
    const { id, token } = await make({ permissions: ["read"] });
    assert.equal(await status(`Bearer ${token}`), 200, what);
    await end(id);
    await eventually(async () => assert.equal(await status(`Bearer ${token}`), 403, what));
  }
});
