import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { sql } from "kysely";
import { ensureLockedRoles } from "#core/access/commands.ts";
import { allPermissions } from "#core/access/locked-roles.ts";
import { grantByTenancy, migrateToRoles } from "#plugins/service/access/role-grants.ts";
import type { TestApi } from "../../support/rest-api.ts";
import {
  as,
  below,
  CLASSES,
  createService,
  groupsOf,
  make,
  makeDomain,
  RBAC,
  user,
} from "./support.ts";

const FILES = "repositories/file/file/";
const ANA = as(user("ana", "1"));
const EVE = as(user("eve", "2"));

const withRoles = (t: TestContext) =>
  createService(t, {
    REST_FRAMEWORK: {
      DEFAULT_AUTHENTICATION_CLASSES: [CLASSES.basic, CLASSES.terms],
      DEFAULT_PERMISSION_CLASSES: [RBAC],
    },
  });

async function permissionsOf({ ctx }: TestApi, role: string): Promise<readonly string[]> {
  const rows = await ctx.db
    .selectFrom("role_permission")
    .innerJoin("role", "role.num", "role_permission.role")
    .select("permission")
    .where("role.name", "=", role)
    .orderBy("permission")
    .execute();
  return rows.map(({ permission }) => permission);
}

test("5.4: the roles of domains hold what every component has, and are not locked", async (t) => {
  const api = await withRoles(t);
  const all = [...allPermissions(api.ctx.plugins)].sort();
  assert.deepEqual([...(await permissionsOf(api, "service.domain_admin"))].sort(), all);
  const views = await permissionsOf(api, "service.domain_viewer");
  assert.ok(views.includes("file.view_filerepository") && views.includes("core.view_task"));
  assert.deepEqual([...views].sort(), all.filter((one) => /^\w+\.view/.test(one)).sort());
  const roles = (await api.get(below("default", "roles/?name__startswith=service.domain_"))).body;
  assert.deepEqual(
    roles.results.map(({ name, locked }: { name: string; locked: boolean }) => [name, locked]),
    [
      ["service.domain_viewer", false],
      ["service.domain_admin", false],
    ],
  );
});

test("5.4: they are mended after each migration, as often as it is done", async (t) => {
  const api = await withRoles(t);
  const before = await permissionsOf(api, "service.domain_viewer");
  const { body } = await api.get(below("default", "roles/?name=service.domain_viewer"));
  const changed = await api.request("PATCH", body.results[0].pulp_href, {
    json: { permissions: ["core.add_task"] },
  });
  assert.equal(changed.status, 200, changed.text);
  for (let round = 0; round < 2; round += 1) await ensureLockedRoles(api.ctx);
  assert.deepEqual(await permissionsOf(api, "service.domain_viewer"), before);
});

test("5.4: tenants keep their domains where roles decide", async (t) => {
  const api = await withRoles(t);
  for (const who of [ANA, EVE]) await api.get(below("default", "login/"), who);
  for (const name of ["a", "b", "none"]) await makeDomain(api, name, {});
  const link = (json: object) => make(api, below("default", "domain_orgs/"), json);
  await link({ org_id: "1", domains: ["a"] });
  await link({ user: "2|eve", domains: ["b"] });
  await sql`update service_domain_org set org_id = ' ' where app_user is not null`.execute(
    api.ctx.db,
  );
  await link({ org_id: "new", domains: ["b"] });
  const status = async (who: typeof ANA, domain: string) =>
    (await api.request("POST", below(domain, FILES), { ...who, json: { name: "r" } })).status;
  assert.deepEqual([await status(ANA, "a"), await status(EVE, "b")], [403, 403]);

  const trial = await migrateToRoles(api.ctx, { isTrial: true });
  assert.deepEqual(
    trial.map(({ who, role, domain }) => `${domain}: ${who} ${role}`),
    [
      "a: group 'rh-org-1' core.domain_owner",
      "a: group 'rh-org-1' service.domain_admin",
      "b: group 'rh-org-new' core.domain_owner",
      "b: group 'rh-org-new' service.domain_admin",
      "b: user '2|eve' core.domain_owner",
      "b: user '2|eve' service.domain_admin",
    ],
  );
  assert.deepEqual([await status(ANA, "a"), await status(EVE, "b")], [403, 403], "a trial");
  const groups = await api.get(below("default", "groups/?name=rh-org-new"));
  assert.equal(groups.body.count, 0, "a trial makes no group");

  assert.deepEqual(await migrateToRoles(api.ctx, { isTrial: false }), trial);
  assert.deepEqual([await status(ANA, "a"), await status(EVE, "b")], [201, 201]);
  assert.deepEqual([await status(ANA, "b"), await status(EVE, "a")], [403, 403]);
  assert.deepEqual([await status(ANA, "none"), await status(EVE, "default")], [403, 403]);
  const seen = (await api.get(below("default", "domains/"), ANA)).body.results;
  assert.deepEqual(
    seen.map(({ name }: { name: string }) => name),
    ["a"],
  );
  assert.deepEqual(await migrateToRoles(api.ctx, { isTrial: false }), [], "done is done");
  assert.deepEqual(await groupsOf(api, "2|eve"), ["rh-org-2"], "nobody has joined anything");
});

test("a tenant has a domain by a constant number of statements", async (t) => {
  const api = await withRoles(t);
  await api.get(below("default", "login/"), ANA);
  for (const name of ["a", "b", "c"]) await makeDomain(api, name, {});
  const link = { org_id: "1", user: "1|ana", domains: ["a", "b", "c"] };
  await make(api, below("default", "domain_orgs/"), link);
  const sent = await api.statementsOf(() => grantByTenancy(api.ctx.db));
  assert.equal(sent.length, 2);
});

test("5.4: who makes a domain by himself works in it", async (t) => {
  const api = await withRoles(t);
  await makeDomain(api, "template-domain-s3", {});
  const own = { ...ANA, json: { name: "own" } };
  const made = await api.request("POST", "/api/pulp/create-domain/", own);
  assert.equal(made.status, 201, made.text);
  const write = (who: typeof ANA) =>
    api.request("POST", below("own", FILES), { ...who, json: { name: "r" } });
  assert.equal((await write(EVE)).status, 403);
  assert.equal((await write(ANA)).status, 201);
});
