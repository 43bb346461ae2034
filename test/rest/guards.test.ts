import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestApi, type TestApi } from "../support/rest-api.ts";

const BASE = "contentguards/core";
const HEADER = { header_name: "x-key", header_value: "sesame" };

const make = async (api: TestApi, type: string, json: object) => {
  const answer = await api.post(`${BASE}/${type}/`, json);
  assert.equal(answer.status, 201, answer.text);
  assert.equal(answer.headers.location, answer.body.pulp_href);
  return answer.body;
};

test("guards of every type are made, shown, changed and removed", async (t) => {
  const api = await createTestApi(t);
  const header = await make(api, "header", { name: "h", description: "keys", ...HEADER });
  const redirect = await make(api, "content_redirect", { name: "r" });
  const rbac = await make(api, "rbac", { name: "b" });
  const guards = [redirect.pulp_href, header.prn];
  const composite = await make(api, "composite", { name: "c", guards });

  assert.deepEqual(Object.keys(header).slice(4), [
    "name",
    "description",
    "header_name",
    "header_value",
    "jq_filter",
  ]);
  assert.equal(header.prn, `prn:core.headercontentguard:${header.pulp_href.split("/").at(-2)}`);
  assert.deepEqual(composite.guards, [redirect.pulp_href, header.pulp_href]);
  assert.deepEqual(Object.keys(redirect).slice(4), ["name", "description"]);
  const [admin] = rbac.users;
  assert.deepEqual(Object.keys(admin), ["username", "pulp_href", "prn"]);
  assert.deepEqual([admin.username, rbac.groups], ["admin", []]);

  const patched = await api.request("PATCH", composite.pulp_href, { json: { description: "d" } });
  assert.deepEqual([patched.status, patched.body.guards.length], [200, 2], patched.text);
  const emptied = await api.request("PATCH", composite.pulp_href, { json: { guards: [] } });
  assert.deepEqual(emptied.body.guards, []);
  const value = { name: "h2", header_name: "X-Other", header_value: "v" };
  const put = await api.request("PUT", header.pulp_href, { json: value });
  assert.deepEqual([put.status, put.body.header_name, put.body.name], [200, "X-Other", "h2"]);

  for (const each of [header, redirect, rbac, composite]) {
    assert.equal((await api.request("DELETE", each.pulp_href)).status, 204);
    assert.equal((await api.get(each.pulp_href)).status, 404);
  }
  const left = await api.ctx.db.selectFrom("role_assignment").select("id").execute();
  assert.deepEqual(left, []);
});

const required = ["This field is required."];
const REFUSED: readonly (readonly [type: string, json: object, detail: object])[] = [
  ["header", {}, { name: required, header_name: required, header_value: required }],
  ["header", { name: "x", ...HEADER, other: 1 }, { other: ["Unexpected field"] }],
  ["header", { ...HEADER, name: "taken" }, { name: ["This field must be unique."] }],
  ["rbac", { name: "taken" }, { name: ["This field must be unique."] }],
  [
    "header",
    { name: "x", ...HEADER, header_name: "a b" },
    { header_name: ["Enter a valid header name."] },
  ],
  ["header", { name: "x", ...HEADER, header_value: 1 }, { header_value: ["Not a valid string."] }],
  [
    "composite",
    { name: "x", guards: "y" },
    { guards: ['Expected a list of items but got type "str".'] },
  ],
  [
    "composite",
    { name: "x", guards: ["/nothing/"] },
    { guards: ["Invalid hyperlink - No URL match."] },
  ],
  [
    "composite",
    { name: "x", guards: ["prn:core.rbaccontentguard:00000000-0000-0000-0000-000000000000"] },
    { guards: ["Invalid hyperlink - Object does not exist."] },
  ],
  [
    "composite",
    { name: "x", guards: ["prn:core.artifact:00000000-0000-0000-0000-000000000000"] },
    { guards: ["Invalid hyperlink - Incorrect URL match."] },
  ],
  [
    "composite",
    { name: "x", guards: Array(101).fill("/nothing/") },
    { guards: ["Ensure this field has no more than 100 elements."] },
  ],
];

test("input that does not fit is refused", async (t) => {
  const api = await createTestApi(t);
  await make(api, "rbac", { name: "taken" });

  for (const [type, json, detail] of REFUSED) {
    const { status, body } = await api.post(`${BASE}/${type}/`, json);
    assert.equal(status, 400, JSON.stringify(json));
    assert.deepEqual(body, detail);
  }
  assert.equal((await api.get("contentguards/")).body.count, 1);
});

test("a jq filter has to be a program, and is kept as it is", async (t) => {
  const api = await createTestApi(t);
  const json = { name: "x", ...HEADER };
  for (const program of [".a |", "nothing", 'import "x" as $x; $x']) {
    const { status, body } = await api.post(`${BASE}/header/`, { ...json, jq_filter: program });
    assert.equal(status, 400, program);
    assert.match(body.jq_filter[0], /^Enter a valid jq filter: jq: error/);
  }

  const made = await make(api, "header", { ...json, jq_filter: ".a # b" });
  assert.equal(made.jq_filter, ".a # b");
  const patch = (jq_filter: string | null) =>
    api.request("PATCH", made.pulp_href, { json: { jq_filter } });
  assert.equal((await patch(".b |")).status, 400);
  assert.equal((await patch(null)).body.jq_filter, null);
});

test("a composite never comes to contain itself", async (t) => {
  const api = await createTestApi(t);
  const inner = await make(api, "composite", { name: "inner" });
  const outer = await make(api, "composite", { name: "outer", guards: [inner.pulp_href] });

  for (const guard of [inner, outer]) {
    const json = { guards: [guard.pulp_href] };
    const { status, body } = await api.request("PATCH", inner.pulp_href, { json });
    assert.equal(status, 400);
    assert.deepEqual(body, { guards: ["A composite guard cannot contain itself."] });
  }
  assert.deepEqual((await api.get(inner.pulp_href)).body.guards, []);
});

test("guards are found by name and type, over all types", async (t) => {
  const api = await createTestApi(t);
  await make(api, "header", { name: "alpha", ...HEADER });
  await make(api, "rbac", { name: "beta" });
  const names = async (path: string) =>
    (await api.get(path)).body.results.map(({ name }: { name: string }) => name);

  assert.deepEqual(await names("contentguards/?ordering=name"), ["alpha", "beta"]);
  assert.deepEqual(await names("contentguards/?pulp_type=core.rbac"), ["beta"]);
  assert.deepEqual(await names("contentguards/?pulp_type__in=core.header,core.composite"), [
    "alpha",
  ]);
  assert.deepEqual(await names(`${BASE}/header/?name__startswith=a`), ["alpha"]);
  assert.deepEqual(await names(`${BASE}/header/?name=beta`), []);
  const [row] = (await api.get("contentguards/?name=beta")).body.results;
  assert.ok(row.pulp_href.includes(`/${BASE}/rbac/`));
  assert.ok(row.prn.startsWith("prn:core.rbaccontentguard:"));
  assert.equal((await api.get("contentguards/?pulp_type=core.none")).status, 400);
  assert.equal((await api.get(`${BASE}/header/?nonsense=1`)).status, 400);
});

test("roles of a guard are given and taken, and shown as users and groups", async (t) => {
  const api = await createTestApi(t);
  await api.post("users/", { username: "eve" });
  await api.ctx.db.insertInto("app_group").values({ name: "crew" }).execute();
  const { pulp_href: href } = await make(api, "rbac", { name: "b" });
  const grant = { role: "core.rbaccontentguard_downloader", users: ["eve"], groups: ["crew"] };

  assert.equal((await api.post(`${href}add_role/`, grant)).status, 201);
  const shown = (await api.get(href)).body;
  assert.deepEqual(
    shown.users.map(({ username }: { username: string }) => username),
    ["admin", "eve"],
  );
  const [crew] = shown.groups;
  assert.deepEqual(Object.keys(crew), ["name", "pulp_href", "prn", "id"]);
  await api.post(`${href}add_role/`, { ...grant, role: "core.rbaccontentguard_viewer" });
  assert.equal((await api.get(href)).body.users.length, 2, "viewers do not download");
  assert.equal((await api.post(`${href}remove_role/`, grant)).status, 201);
  assert.deepEqual((await api.get(href)).body.groups, []);
  const { roles } = (await api.get(`${href}list_roles/`)).body;
  assert.equal(roles.length, 3);
});

test("distributions name their guard until it is gone", async (t) => {
  const api = await createTestApi(t);
  const guard = await make(api, "header", { name: "h", ...HEADER });
  const json = { name: "d", base_path: "d", content_guard: guard.prn };
  assert.equal((await api.post("distributions/file/file/", json)).status, 202);
  const shown = async () => (await api.get("distributions/file/file/?name=d")).body.results[0];

  assert.equal((await shown()).content_guard, guard.pulp_href);
  const before = await api.ctx.db.selectFrom("distribution_event").select("xact").execute();
  await api.request("DELETE", guard.pulp_href);
  assert.equal((await shown()).content_guard, null);
  const after = await api.ctx.db.selectFrom("distribution_event").select("xact").execute();
  assert.equal(after.length, before.length + 1);
});

test("a change is told to the distributions behind composites", async (t) => {
  const api = await createTestApi(t);
  const header = await make(api, "header", { name: "h", ...HEADER });
  const inner = await make(api, "composite", { name: "i", guards: [header.pulp_href] });
  const outer = await make(api, "composite", { name: "o", guards: [inner.pulp_href] });
  for (const [name, content_guard] of [
    ["d", outer.pulp_href],
    ["e", null],
  ] as const)
    await api.post("distributions/file/file/", { name, base_path: name, content_guard });
  await api.ctx.db.deleteFrom("distribution_event").execute();

  await api.request("PATCH", header.pulp_href, { json: { header_value: "new" } });
  await api.request("PATCH", inner.pulp_href, { json: { guards: [] } });

  const told = await api.ctx.db
    .selectFrom("distribution_event as v")
    .innerJoin("distribution as d", "d.id", "v.distribution")
    .select("d.name")
    .execute();
  assert.deepEqual(
    told.map(({ name }) => name),
    ["d", "d"],
  );
});

test("reading guards costs one statement for an object and two for a list", async (t) => {
  const api = await createTestApi(t);
  const hrefs = [];
  for (let n = 0; n < 20; n += 1)
    hrefs.push((await make(api, "header", { name: `h${n}`, ...HEADER })).pulp_href);
  const composite = await make(api, "composite", { name: "c", guards: hrefs });
  for (const path of [composite.pulp_href, `${BASE}/rbac/?limit=100`, "contentguards/?limit=100"]) {
    await api.get(path);
    const sent = await api.statementsOf(() => api.get(path));
    assert.ok(sent.length <= (path === composite.pulp_href ? 1 : 2), `${path}: ${sent.length}`);
  }
});

test("who holds nothing on a guard does not see it", async (t) => {
  const api = await createTestApi(t);
  await api.post("users/", { username: "eve", password: "good enough for eve" });
  const hidden = await make(api, "header", { name: "h", ...HEADER });
  const user = "eve:good enough for eve";
  assert.equal((await api.get("contentguards/", { user })).body.count, 0);
  assert.equal((await api.get(hidden.pulp_href, { user })).status, 404);
  assert.equal((await api.get("contentguards/", { user: null })).status, 401);
});
