import assert from "node:assert/strict";
import { test } from "node:test";
import { compose } from "#app/composition.ts";
import { file } from "#plugins/file/plugin.ts";
import { describeApi } from "#rest/kit/openapi/document.ts";
import { createTestApi, type TestApi } from "../support/rest-api.ts";
import { toyPlugin } from "../support/site-plugin.ts";

async function world(t: Parameters<typeof createTestApi>[0], settings = {}) {
  const api = await createTestApi(t, { shipped: [toyPlugin], settings });
  const repository = await api.post("repositories/file/file/", { name: "repo" });
  const shelf = async (name: string, base_path: string, more = {}) => {
    const made = await api.post("distributions/file/file/", { name, base_path, ...more });
    assert.equal(made.status, 202, made.text);
    const { body } = await api.get(made.body.task);
    return String(body.created_resources[0]);
  };
  return { api, shelf, repository: repository.body };
}

const stranger = { user: null };

/** Path below `/toy/` → name of the place and parameters, or the status of the refusal. */
const PATHS: readonly (readonly [path: string, place: string | number, parameters?: object])[] = [
  ["deep/shelf/", "deep", {}],
  ["deep/shelf", "deep", {}],
  ["deep/shelf/things/", "deep", {}],
  ["deep/shelf/things", "deep", {}],
  ["deep/shelf/things/a%20b/", "deep", { thing: "a b" }],
  ["deep/shelf/things/things/", "deep", { thing: "things" }],
  ["tail/things/things/", "tail", {}],
  ["plain/things/things/", "plain", { thing: "things" }],
  ["tail/things/things/things/", "tail", { thing: "things" }],
  ["deep/shelf/about/x/", "deep", { what: "x" }],
  ["deep/shelf/about/x/y/z", "deep", { what: "x/y/z" }],
  ["deep/shelf/about/about/about/about", "deep", { what: "about/about/about" }],
  ["deep/shelf/about/1/2/3/4/", 404],
  ["deep/shelf/unknown/", 404],
  ["deep//shelf/things/", 404],
  ["deep/shelf/things/%ff/", 400],
  ["things/", 404],
  ["", 404],
];

test("the end of a path tells the route, the base paths that exist tell the rest", async (t) => {
  const { api, shelf } = await world(t);
  await shelf("deep", "deep/shelf");
  await shelf("plain", "plain");
  await shelf("tail", "tail/things");

  for (const [path, place, parameters] of PATHS) {
    const { status, body, text } = await api.get(`/toy/${path}`, stranger);
    const found = status === 200 ? [body.place, body.parameters] : [status, undefined];
    assert.deepEqual(found, [place, parameters], `${path}: ${text}`);
  }
});

test("a site says what is not there, which methods there are, and never redirects", async (t) => {
  const { api, shelf } = await world(t);
  await shelf("s", "s");

  const missing = await api.get("/toy/no/such/things/x/", stranger);
  const head = await api.request("HEAD", "/toy/s/things", stranger);
  const options = await api.request("OPTIONS", "/toy/s/things/", stranger);
  const wrong = await api.request("DELETE", "/toy/s/things/");
  const posted = await api.request("POST", "/toy/s/things", { json: { note: "n" } });

  assert.deepEqual([missing.status, missing.body.detail], [404, "No shelf at no/such"]);
  assert.deepEqual([head.status, head.text], [200, ""]);
  assert.deepEqual([options.status, options.headers.allow], [200, "GET, POST, HEAD, OPTIONS"]);
  assert.deepEqual([wrong.status, wrong.headers.allow], [405, "GET, POST, HEAD, OPTIONS"]);
  assert.deepEqual([posted.status, posted.body.values], [200, { note: "n" }]);
});

async function addUser(api: TestApi, username: string, roles: readonly (readonly string[])[]) {
  const password = "of the reader 1";
  const { body } = await api.post("users/", { username, password });
  for (const [role, content_object = null] of roles) {
    const path = `users/${body.pulp_href.split("/").at(-2)}/roles/`;
    const given = await api.post(path, { role, content_object });
    assert.equal(given.status, 201, given.text);
  }
  return `${username}:${password}`;
}

test("strangers read, wrong credentials are told, and changes ask for the repository", async (t) => {
  const { api, shelf, repository } = await world(t);
  await shelf("s", "s", { repository: repository.pulp_href });
  const reader = await addUser(api, "reader", []);
  const writer = await addUser(api, "writer", [
    ["file.filerepository_owner", repository.pulp_href],
  ]);
  const status = async (method: string, path: string, user: string | null) =>
    (await api.request(method, path, { user, ...(method === "POST" ? { json: {} } : {}) })).status;

  assert.equal(await status("GET", "/toy/s/things/", null), 200);
  assert.equal(await status("GET", "/toy/s/things/", "admin:wrong"), 401);
  assert.equal(await status("POST", "/toy/s/things/", null), 401);
  assert.equal(await status("POST", "/toy/nowhere/things/", null), 401);
  assert.equal(await status("POST", "/toy/s/things/", reader), 403);
  assert.equal(await status("POST", "/toy/s/things/", writer), 200);
  const refused = await api.request("POST", "/toy/s/things/", { user: null, json: {} });
  assert.equal(refused.headers["www-authenticate"], 'Basic realm="api"');
});

test("the guard of a distribution holds for reads, but not for those who may see it", async (t) => {
  const { api, shelf } = await world(t);
  const guard = { name: "g", header_name: "x-key", header_value: "sesame" };
  const { body } = await api.post("contentguards/core/header/", guard);
  const href = await shelf("s", "s", { content_guard: body.pulp_href });
  const reader = await addUser(api, "reader", []);
  const viewer = await addUser(api, "viewer", [["file.filedistribution_viewer", href]]);
  const get = async (user: string | null, headers = {}) =>
    (await api.get("/toy/s/things/", { user, headers })).status;

  assert.equal(await get(null), 403);
  assert.equal(await get(reader), 403);
  assert.equal(await get(null, { "x-key": Buffer.from("sesame").toString("base64") }), 200);
  assert.equal(await get(viewer), 200);
  assert.equal(await get(`admin:${"admin of the tests"}`), 200);
});

test("a token reaches a site as far as its scope", async (t) => {
  const { api, shelf, repository } = await world(t);
  await shelf("s", "s", { repository: repository.pulp_href });
  const token = async (scope: object) => {
    const { body } = await api.post("tokens/", { name: JSON.stringify(scope), ...scope });
    return `__token__:${body.token}`;
  };
  const statuses = async (user: string) => [
    (await api.get("/toy/s/things/", { user })).status,
    (await api.request("POST", "/toy/s/things/", { user, json: {} })).status,
  ];

  assert.deepEqual(await statuses(await token({ scopes: ["*"] })), [200, 200]);
  assert.deepEqual(await statuses(await token({ scopes: ["read"] })), [200, 403]);
  const modify = { scopes: ["file.modify_filerepository"] };
  assert.deepEqual(await statuses(await token(modify)), [403, 200]);
  assert.deepEqual(
    await statuses(await token({ scopes: ["*"], objects: [repository.prn] })),
    [200, 200],
  );
  const elsewhere = await token({
    scopes: ["*"],
    objects: [repository.prn.replace(/.{4}$/, "0000")],
  });
  assert.deepEqual(await statuses(elsewhere), [403, 403]);
});

test("with domains the name of the domain comes first", async (t) => {
  const api = await createTestApi(t, { shipped: [toyPlugin], settings: { DOMAIN_ENABLED: true } });
  const made = await api.request("POST", "/pulp/default/api/v3/distributions/file/file/", {
    json: { name: "s", base_path: "s" },
  });
  assert.equal(made.status, 202, made.text);
  assert.equal((await api.get("/toy/default/s/things/", stranger)).status, 200);
  assert.equal((await api.get("/toy/default/no/things/", stranger)).status, 404);
  const unknown = await api.get("/toy/nobody/no/things/", stranger);
  assert.match(unknown.text, /no such domain/);
});

test("changes are in the audit trail with the distribution that they are about", async (t) => {
  const { api, shelf } = await world(t, { AUDIT_ENABLED: true });
  const href = await shelf("s", "s");
  await api.request("POST", "/toy/s/things/", { json: {} });

  const rows = await api.ctx.db.selectFrom("audit_entry").selectAll().execute();
  const [row] = rows.filter(({ operation }) => operation === "toy_things_create");
  assert.equal(row?.object_path, "toy/s/things/");
  assert.match(
    String(row?.object_prn),
    new RegExp(`file.filedistribution:${href.split("/").at(-2)}`),
  );
});

test("without a policy of each route a program with a site does not start", () => {
  const [, ...others] = toyPlugin.access.policies;
  const silent = { ...toyPlugin, access: { ...toyPlugin.access, policies: others } };
  assert.throws(() => compose([file, silent]), /Nobody says who may use toy\/root/);
});

test("the description has the operations of a site below its prefix", () => {
  const { api } = compose([file, toyPlugin]);
  const options = { isForBindings: false, isKeyed: false, root: "/pulp/", server: "/" };
  const more = { securitySchemes: {}, versions: {} };
  const describe = (extra: object) =>
    describeApi(api, { ...options, ...more, domainEnabled: false, ...extra }).paths as Record<
      string,
      Record<string, { operationId: string; parameters: { name: string; in: string }[] }>
    >;

  const plain = describe({})["/toy/{path}/things/{thing}/"]?.get;
  const moved = describe({ sitePrefixes: { toy: "/api/toy/" }, domainEnabled: true });
  const inDomain = moved["/api/toy/{pulp_domain}/{path}/about/{what}/"]?.get;

  assert.equal(plain?.operationId, "toy_things_thing_read");
  assert.equal(inDomain?.operationId, "api_toy_about_read");
  const names = inDomain?.parameters.filter((one) => one.in === "path").map(({ name }) => name);
  assert.deepEqual(names, ["pulp_domain", "path", "what"]);
});
