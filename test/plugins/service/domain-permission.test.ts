import assert from "node:assert/strict";
import { test } from "node:test";
import { ANA, createRepository, EVE } from "./people.ts";
import {
  as,
  below,
  certificate,
  createService,
  headersFor,
  makeDomain,
  STRANGER,
  user,
} from "./support.ts";

test("5: strangers and foreign users read of a public domain what is for them, and no more", async (t) => {
  const api = await createService(t);
  await makeDomain(api, "public-ana", ANA);
  const repository = (await createRepository(api, "public-ana", ANA)).body.pulp_href;
  for (const who of [STRANGER, EVE]) {
    const refused = who === EVE ? 403 : 401;
    const read = async (path: string) => (await api.get(below("public-ana", path), who)).status;
    for (const path of [
      "content/file/files/",
      "publications/file/file/",
      "distributions/file/file/",
    ])
      assert.equal(await read(path), 200, path);
    for (const path of [repository, `${repository}versions/`, `${repository}versions/0/`])
      assert.equal((await api.get(path, who)).status, 200, path);
    for (const path of [
      ...["users/", "groups/", "roles/", "tasks/", "access_policies/", "workers/", "audit/"],
      ...["remotes/file/file/", "contentguards/core/rbac/", "uploads/", "artifacts/", "tokens/"],
    ]) {
      assert.equal(await read(path), path === "tokens/" && who === EVE ? 200 : refused, path);
    }
    assert.equal((await api.get(`${repository}list_roles/`, who)).status, refused, "no roles");
    const gone = await api.request("DELETE", repository, who);
    assert.equal(gone.status, refused, "row 5: writes are not read");
  }
  const open = await createService(t, { PUBLIC_DOMAIN_FULL_READ: true });
  await makeDomain(open, "public-ana", ANA);
  assert.equal((await open.get(below("public-ana", "tasks/"), STRANGER)).status, 200);
});

test("whoever has a domain reaches nothing that is of no domain", async (t) => {
  const api = await createService(t);
  await makeDomain(api, "team-a", ANA);
  await api.get(below("default", "login/"), EVE);
  const at = (path: string) => below("team-a", path);
  const { results } = (await api.get(below("default", "users/"))).body;
  for (const path of ["users/", "groups/", "audit/", "domain_orgs/", results[0].pulp_href])
    assert.equal((await api.get(path.startsWith("/") ? path : at(path), ANA)).status, 403, path);
  const self = results.find(({ username }: { username: string }) => username === "1|ana");
  const own = self.pulp_href.replace("/default/", "/team-a/");
  for (const [method, path, json] of [
    ["PATCH", own, { is_superuser: true, is_staff: true }],
    ["POST", at("users/"), { username: "x" }],
    ["POST", at("groups/"), { name: "admin-readonly" }],
    ["POST", at("roles/"), { name: "x", permissions: [] }],
    ["POST", `${own}roles/`, { role: "core.domain_owner", content_object: null, domain: null }],
    ["POST", at("domain_orgs/"), { org_id: "1", domains: ["default"] }],
    ["POST", at("permissions/explain/"), { user: "admin", operation: "users_list" }],
  ] as const) {
    const answer = await api.request(method, path, { ...ANA, json });
    assert.equal(answer.status, 403, `${method} ${path}: ${answer.text}`);
  }
  for (const path of ["workers/", "roles/", "access_policies/", "tasks/", "repositories/"])
    assert.equal((await api.get(at(path), ANA)).status, 200, path);
  assert.equal((await api.get(at("tokens/"), ANA)).body.count, 0);
});

test("what gives a domain by its organisation is the inner one, and an empty one gives nothing", async (t) => {
  const api = await createService(t);
  await makeDomain(api, "team-a", ANA);
  await makeDomain(api, "nobodys", as(certificate("/CN=x", "  ")));
  const outer = { org_id: "1", user: { username: "outer" } };
  const blank = { org_id: "", internal: { org_id: "" }, user: { username: "blank" } };
  const mixed = { ...user("mixed", "1"), internal: { org_id: "2" } };
  const number = { ...user("number", 1) };
  assert.equal((await createRepository(api, "team-a", as(outer))).status, 403);
  assert.equal((await createRepository(api, "nobodys", as(blank))).status, 403);
  assert.equal((await createRepository(api, "team-a", as(mixed))).status, 403);
  assert.equal((await createRepository(api, "team-a", as(number))).status, 201, "1 is '1'");
  const basic = { user: "local:of the tests 1", headers: headersFor(user("ana", "1")) };
  const json = { username: "local", password: "of the tests 1" };
  await api.request("POST", below("default", "users/"), { json });
  assert.equal(
    (await createRepository(api, "team-a", basic)).status,
    201,
    "whoever the gateway says he is of",
  );
  const fallback = await createService(t, { ORG_ID_FALLBACK: true });
  await makeDomain(fallback, "team-a", ANA);
  assert.equal((await createRepository(fallback, "team-a", as(outer))).status, 201);
});
