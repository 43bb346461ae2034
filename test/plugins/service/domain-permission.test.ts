import assert from "node:assert/strict";
import { test } from "node:test";
import type { RequestOptions, TestApi } from "../../support/rest-api.ts";
import { endedTask } from "../../support/run-tasks.ts";
import {
  as,
  below,
  certificate,
  createService,
  headersFor,
  makeDomain,
  makeGroup,
  makeIndex,
  STRANGER,
  statuses,
  user,
} from "./support.ts";

const FILES = "repositories/file/file/";
const ANA = as(user("ana", "1"));
/** A colleague of Ana's. */
const BEN = as(user("ben", "1"));
const EVE = as(user("eve", "2"));
const ADMIN: RequestOptions = {};

const create = (api: TestApi, domain: string, who: RequestOptions, name = crypto.randomUUID()) =>
  api.request("POST", below(domain, FILES), { ...who, json: { name } });

const namesOf = async (api: TestApi, who: RequestOptions): Promise<readonly string[]> => {
  const { status, body } = await api.get(below("default", "domains/"), who);
  assert.equal(status, 200);
  return body.results.map(({ name }: { name: string }) => name).sort();
};

test("24 Authentication: username+org, org+username and username alone make a domain and a repository", async (t) => {
  const api = await createService(t);
  const orders = [
    ["first", { org_id: "1", internal: { org_id: "1" }, user: { username: "ana" } }],
    ["second", { user: { username: "ona" }, internal: { org_id: "2" }, org_id: "2" }],
    ["third", { user: { username: "una" } }],
  ] as const;
  for (const [name, identity] of orders) {
    await makeDomain(api, name, as(identity));
    assert.equal((await create(api, name, as(identity))).status, 201, name);
  }
});

test("24 Authentication: strangers read repositories of public domains only, and write nowhere", async (t) => {
  const api = await createService(t);
  for (const name of ["public-ana", "own"]) await makeDomain(api, name, ANA);
  assert.deepEqual(
    await statuses({
      "public list": () => api.get(below("public-ana", FILES), STRANGER),
      "public head": () => api.request("HEAD", below("public-ana", FILES), STRANGER),
      "public create": () => create(api, "public-ana", STRANGER),
      "own list": () => api.get(below("own", FILES), STRANGER),
      "own create": () => create(api, "own", STRANGER),
      "default list": () => api.get(below("default", FILES), STRANGER),
      domains: () => api.get(below("default", "domains/"), STRANGER),
    }),
    {
      ...{ "public list": 200, "public head": 200, "public create": 401 },
      ...{ "own list": 401, "own create": 401, "default list": 401, domains: 401 },
    },
  );
});

test("5: strangers and foreign users read of a public domain what is for them, and no more", async (t) => {
  const api = await createService(t);
  await makeDomain(api, "public-ana", ANA);
  const repository = (await create(api, "public-ana", ANA)).body.pulp_href;
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

test("24 Domain permissions: one's own organisation may, others may not, and nobody in default", async (t) => {
  const api = await createService(t);
  const { pulp_href } = await makeDomain(api, "team-a", ANA);
  assert.deepEqual(
    await statuses({
      own: () => create(api, "team-a", ANA),
      colleague: () => create(api, "team-a", BEN),
      foreign: () => create(api, "team-a", EVE),
      "foreign read": () => api.get(below("team-a", FILES), EVE),
      default: () => create(api, "default", ANA),
      "admin by Basic": () => create(api, "team-a", ADMIN),
      "foreign delete": () => api.request("DELETE", pulp_href, EVE),
      "delete of what is not there": () =>
        api.request("DELETE", below("default", `domains/${crypto.randomUUID()}/`), EVE),
      "foreign retrieve": () => api.get(pulp_href, EVE),
      "own retrieve": () => api.get(pulp_href, ANA),
      "own label": () =>
        api.request("POST", `${pulp_href}set_label/`, { ...ANA, json: { key: "a", value: "b" } }),
      "foreign label": () =>
        api.request("POST", `${pulp_href}set_label/`, { ...EVE, json: { key: "a", value: "b" } }),
    }),
    {
      ...{ own: 201, colleague: 201, foreign: 403, "foreign read": 403, default: 403 },
      ...{ "admin by Basic": 201, "foreign delete": 403, "delete of what is not there": 403 },
      ...{ "foreign retrieve": 403, "own retrieve": 200, "own label": 201, "foreign label": 403 },
    },
  );
  const changed = await api.request("PATCH", pulp_href, { ...BEN, json: { description: "ours" } });
  assert.equal((await endedTask(api, changed)).state, "completed");
  for (const repository of (await api.get(below("team-a", FILES))).body.results)
    await endedTask(api, await api.request("DELETE", repository.pulp_href));
  const gone = await api.request("DELETE", pulp_href, ANA);
  assert.equal((await endedTask(api, gone)).state, "completed", "the owner may delete it");
});

test("24 Domain permissions: lists show exactly one's own domains, each once, and never default", async (t) => {
  const api = await createService(t);
  await makeDomain(api, "of-ana", ANA);
  await makeDomain(api, "of-ben", BEN);
  await makeDomain(api, "of-eve", EVE);
  await makeDomain(api, "of-admin", ADMIN);
  const cert = as(certificate("/CN=lone"));
  await makeDomain(api, "of-lone", cert);
  assert.deepEqual(await namesOf(api, ANA), ["of-ana", "of-ben"]);
  assert.deepEqual(await namesOf(api, EVE), ["of-eve"]);
  assert.deepEqual(await namesOf(api, cert), ["of-lone"], "without an organisation by the user");
  const all = ["default", "of-admin", "of-ana", "of-ben", "of-eve", "of-lone"];
  assert.deepEqual(await namesOf(api, ADMIN), all);

  const link = { org_id: "1", user: "1|ana", domains: ["of-ana", "of-eve"] };
  const made = await api.request("POST", below("default", "domain_orgs/"), { json: link });
  assert.deepEqual([made.status, made.body.domains], [201, link.domains], made.text);
  assert.deepEqual(
    await namesOf(api, ANA),
    ["of-ana", "of-ben", "of-eve"],
    "matched twice, shown once",
  );
  const { body } = await api.get(below("default", "domains/?limit=1"), ANA);
  assert.equal(body.count, 3);
  const repositories = (await api.get(below("of-ana", FILES), ANA)).body.count;
  assert.equal(repositories, (await api.get(below("of-ana", FILES))).body.count);
  await api.request("DELETE", made.body.pulp_href);
  assert.deepEqual(await namesOf(api, ANA), ["of-ana", "of-ben"]);
});

test("24 Domain permissions: a Basic user owns the domain that he made", async (t) => {
  const api = await createService(t);
  const json = { username: "local", password: "of the tests 1" };
  assert.equal((await api.request("POST", below("default", "users/"), { json })).status, 201);
  const local = { user: "local:of the tests 1" };
  await makeDomain(api, "of-local", local);
  assert.equal((await create(api, "of-local", local)).status, 201);
  assert.equal((await create(api, "of-local", ANA)).status, 403);
  assert.deepEqual(await namesOf(api, local), ["of-local"]);
});

test("24 Groups: members across organisations have the domain, outsiders have not", async (t) => {
  const api = await createService(t);
  for (const who of [ANA, EVE, as(user("zoe", "3"))])
    await api.get(below("default", "login/"), who);
  await makeGroup(api, "crew", ["1|ana", "2|eve"]);
  await makeDomain(api, "of-crew", ANA);
  await makeDomain(api, "of-zoe", as(user("zoe", "3")));
  assert.equal((await create(api, "of-crew", EVE)).status, 201, "a member of another organisation");
  assert.deepEqual(await namesOf(api, EVE), ["of-crew"]);
  assert.equal((await create(api, "of-crew", as(user("zoe", "3")))).status, 403);
  assert.equal((await create(api, "of-zoe", as(user("zoe", "3")))).status, 201, "of no group");
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

test("24 Guarded PyPI: open, guarded and public indexes, for tenants, entitled and others", async (t) => {
  const api = await createService(t);
  await makeDomain(api, "team-a", ANA);
  await makeDomain(api, "public-x", ANA);
  for (const name of ["team-a", "public-x"]) {
    await makeIndex(api, name);
    await makeIndex(api, name, { name: "guarded", guardedFor: "7" });
  }
  const entitled = as(user("kim", "7"));
  const read = (path: string, who: RequestOptions) => () => api.get(`/pypi/${path}/simple/`, who);
  const write = (path: string, who: RequestOptions) => () =>
    api.request("POST", `/pypi/${path}/legacy/`, { ...who, json: {} });
  assert.deepEqual(
    await statuses({
      "open to strangers": read("team-a/idx", STRANGER),
      "open to foreign users": read("team-a/idx", EVE),
      "none there": read("team-a/none", STRANGER),
      "guarded, tenant": read("team-a/guarded", BEN),
      "guarded, entitled": read("team-a/guarded", entitled),
      "guarded, entitled and nobody known": read("team-a/guarded", as({ org_id: "7" })),
      "guarded, not entitled": read("team-a/guarded", EVE),
      "guarded, stranger": read("team-a/guarded", STRANGER),
      "guarded, public": read("public-x/guarded", STRANGER),
      "public to foreign users": read("public-x/idx", EVE),
      "write, stranger": write("team-a/idx", STRANGER),
      "write, foreign": write("team-a/idx", EVE),
      "write, entitled": write("team-a/guarded", entitled),
      "write, public": write("public-x/idx", EVE),
      "write, tenant": write("team-a/idx", BEN),
      "entitled, by REST": () => api.get(below("team-a", FILES), entitled),
    }),
    {
      ...{ "open to strangers": 200, "open to foreign users": 200, "none there": 404 },
      ...{ "guarded, tenant": 200, "guarded, entitled": 200 },
      ...{ "guarded, entitled and nobody known": 200, "guarded, not entitled": 403 },
      ...{ "guarded, stranger": 401, "guarded, public": 200, "public to foreign users": 200 },
      ...{ "write, stranger": 401, "write, foreign": 403, "write, entitled": 403 },
      ...{ "write, public": 403, "write, tenant": 415, "entitled, by REST": 403 },
    },
  );
  const told = (words: string) => api.logged.some((line) => line.includes(words));
  assert.ok(told("PyPI access GRANTED via DomainOrg: user=1|ben org_id=1"));
  assert.ok(told("PyPI access GRANTED via content guard: org_id=7 user=7|kim"));
  assert.ok(told("PyPI access DENIED via content guard: org_id=2 user=2|eve"));
});

test("what gives a domain by its organisation is the inner one, and an empty one gives nothing", async (t) => {
  const api = await createService(t);
  await makeDomain(api, "team-a", ANA);
  await makeDomain(api, "nobodys", as(certificate("/CN=x", "  ")));
  const outer = { org_id: "1", user: { username: "outer" } };
  const blank = { org_id: "", internal: { org_id: "" }, user: { username: "blank" } };
  const mixed = { ...user("mixed", "1"), internal: { org_id: "2" } };
  const number = { ...user("number", 1) };
  assert.equal((await create(api, "team-a", as(outer))).status, 403);
  assert.equal((await create(api, "nobodys", as(blank))).status, 403);
  assert.equal((await create(api, "team-a", as(mixed))).status, 403);
  assert.equal((await create(api, "team-a", as(number))).status, 201, "1 is '1'");
  const basic = { user: "local:of the tests 1", headers: headersFor(user("ana", "1")) };
  const json = { username: "local", password: "of the tests 1" };
  await api.request("POST", below("default", "users/"), { json });
  assert.equal(
    (await create(api, "team-a", basic)).status,
    201,
    "whoever the gateway says he is of",
  );
  const fallback = await createService(t, { ORG_ID_FALLBACK: true });
  await makeDomain(fallback, "team-a", ANA);
  assert.equal((await create(fallback, "team-a", as(outer))).status, 201);
});
