import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { uuid7 } from "#base/uuid7.ts";
import { hashPassword } from "#core/access/passwords.ts";
import { isWholeToken, newToken } from "#core/access/token-text.ts";
import { createTestApi, ROOT, type TestApi } from "../support/rest-api.ts";

const bearer = (token: string) => ({
  user: null,
  headers: { authorization: `Bearer ${token}` },
});

const made = async (api: TestApi, json: object): Promise<{ token: string; href: string }> => {
  const { status, body, text } = await api.post("tokens/", { scopes: ["*"], ...json });
  assert.equal(status, 201, text);
  return { token: body.token, href: body.pulp_href };
};

async function addUser(api: TestApi, username: string): Promise<number> {
  const password = await hashPassword(`${username} of the tests`, { iterations: 1 });
  const { id } = await api.ctx.db
    .insertInto("app_user")
    .values({ username, password })
    .returning("id")
    .executeTakeFirstOrThrow();
  return id;
}

/** A second process on the same database. */
const beside = (t: TestContext, api: TestApi) => createTestApi(t, { beside: api });

test("a token is told once, and only its hash is kept", async (t) => {
  const api = await createTestApi(t);

  const { status, body, headers } = await api.post("tokens/", {
    ...{ name: "ci", scopes: ["read", "file.*"], expires: "2099-01-01T00:00:00Z" },
  });
  assert.equal(status, 201);
  assert.equal(headers["cache-control"], "no-store");
  const { token, pulp_href, prn, pulp_created, ...rest } = body;
  assert.equal(headers.location, pulp_href);
  assert.match(pulp_href, new RegExp(`^${ROOT}tokens/[0-9a-f-]{36}/$`));
  assert.match(prn, /^prn:core\.apitoken:/);
  assert.ok(pulp_created);
  assert.match(token, /^dkl_[0-9A-Za-z]{49}$/);
  assert.ok(isWholeToken(token));
  assert.deepEqual(rest, {
    ...{ user: "admin", name: "ci", scopes: ["read", "file.*"], domains: null, objects: null },
    ...{ expires: "2099-01-01T00:00:00Z", issuer: null, last_used: null, revoked: null },
  });

  const [row] = await api.ctx.db.selectFrom("api_token").selectAll().execute();
  assert.equal(JSON.stringify(row).includes(token), false);
  const read = await api.get(pulp_href);
  assert.equal(read.body.token, undefined);
  assert.equal((await api.get("tokens/")).text.includes(token), false);
});

test("a token is a Bearer token, and the password of Basic under any name but another's", async (t) => {
  const api = await createTestApi(t);
  await addUser(api, "eve");
  const { token, href } = await made(api, { name: "a" });

  assert.equal((await api.get("users/", bearer(token))).status, 200);
  for (const name of ["admin", "__token__", "", "whoever"])
    assert.equal((await api.get("users/", { user: `${name}:${token}` })).status, 200, name);
  const others = await api.get("users/", { user: `eve:${token}` });
  assert.equal(others.status, 401);
  assert.equal(others.body.detail, "Invalid token. It belongs to another user.");
  assert.notEqual((await api.get(href)).body.last_used, null);
});

test("what is no token is refused with a reason, and a slip costs no statement", async (t) => {
  const api = await createTestApi(t);
  const { token } = await made(api, { name: "a" });
  const slip = `${token.slice(0, 20)}${token[20] === "x" ? "y" : "x"}${token.slice(21)}`;
  const refused = async (options: object) => {
    const { status, body, headers } = await api.get("users/", options);
    assert.equal(status, 401);
    assert.match(String(headers["www-authenticate"]), /^Basic/);
    return body.detail;
  };

  const statements = await api.statementsOf(async () => {
    assert.match(await refused(bearer(slip)), /check digits/);
    assert.match(await refused({ user: `admin:${slip}` }), /check digits/);
    assert.match(await refused(bearer("eyJ.a.b")), /credentials were not provided/);
    assert.match(await refused(bearer("")), /credentials were not provided/);
    assert.match(await refused(bearer("dkl_abc")), /have 53 characters/);
    assert.match(await refused(bearer(`${token} x`)), /no.* spaces/);
    assert.match(await refused(bearer(`dkl_${"x".repeat(30_000)}`)), /have 53/);
  });
  assert.deepEqual(statements, []);
  assert.match(await refused(bearer(newToken())), /There is no such token/);
});

test("users see and end their own tokens, the administrator those of all", async (t) => {
  const api = await createTestApi(t);
  await addUser(api, "eve");
  const eve = { user: "eve:eve of the tests" };
  const { href: admins } = await made(api, { name: "same" });
  const own = await api.request("POST", "tokens/", {
    ...eve,
    json: { name: "same", scopes: ["read"] },
  });
  assert.equal(own.status, 201, own.text);

  const seen = await api.get("tokens/", eve);
  assert.deepEqual([seen.body.count, seen.body.results[0].user], [1, "eve"]);
  assert.equal((await api.get("tokens/")).body.count, 2);
  const filtered = await api.get("tokens/?user=eve");
  assert.deepEqual(
    filtered.body.results.map((one: { pulp_href: string }) => one.pulp_href),
    [own.body.pulp_href],
  );
  assert.equal((await api.get("tokens/?user=admin", eve)).body.count, 0);
  const missing = await api.get("tokens/00000000-0000-7000-8000-000000000000/", eve);
  for (const [method, path] of [
    ["GET", admins],
    ["DELETE", admins],
    ["POST", `${admins}revoke/`],
  ] as const) {
    const { status, text } = await api.request(method, path, eve);
    assert.deepEqual([status, text], [404, missing.text], method);
  }
  assert.equal((await api.get("users/", eve)).status, 403);
  assert.equal((await api.request("DELETE", own.body.pulp_href, eve)).status, 204);
  assert.equal((await api.get(own.body.pulp_href)).status, 404);
});

test("two tokens of one user have two names", async (t) => {
  const api = await createTestApi(t);
  await made(api, { name: "a" });

  const { status, body } = await api.post("tokens/", { name: "a", scopes: ["*"] });
  assert.deepEqual([status, body], [400, { name: ["This field must be unique."] }]);
});

const BAD: readonly (readonly [object, string])[] = [
  [{ scopes: ["read"] }, "name"],
  [{ name: "a" }, "scopes"],
  [{ name: "a", scopes: [] }, "scopes"],
  [{ name: "a", scopes: "read" }, "scopes"],
  [{ name: "a", scopes: ["write"] }, "scopes"],
  [{ name: "a", scopes: ["file.*x"] }, "scopes"],
  [{ name: "a", scopes: Array(101).fill("read") }, "scopes"],
  [{ name: "a", scopes: ["*"], domains: ["a b"] }, "domains"],
  [{ name: "a", scopes: ["*"], objects: ["/pulp/api/v3/"] }, "objects"],
  [{ name: "a", scopes: ["*"], expires: "2001-01-01T00:00:00Z" }, "expires"],
  [{ name: "a", scopes: ["*"], expires: "soon" }, "expires"],
  [{ name: "a", scopes: ["*"], hash: "x" }, "hash"],
];

test("a draft that is wrong says which field", async (t) => {
  const api = await createTestApi(t);
  for (const [json, field] of BAD) {
    const { status, body } = await api.post("tokens/", json);
    assert.deepEqual([status, Object.keys(body)], [400, [field]], JSON.stringify(json));
  }
});

test("a scope limits what its owner may do", async (t) => {
  const api = await createTestApi(t);
  const repository = (await api.post("repositories/file/file/", { name: "r" })).body;
  const other = (await api.post("repositories/file/file/", { name: "o" })).body;
  const create = { json: { name: "x" } };
  const cases: readonly (readonly [object, string, string, object, number])[] = [
    [{ scopes: ["read"] }, "GET", "users/", {}, 200],
    [{ scopes: ["read"] }, "POST", "repositories/file/file/", create, 403],
    [{ scopes: ["read"] }, "DELETE", repository.pulp_href, {}, 403],
    [{ scopes: ["file.view_filerepository"] }, "GET", repository.pulp_href, {}, 200],
    [{ scopes: ["file.view_filerepository"] }, "GET", "repositories/file/file/", {}, 200],
    [{ scopes: ["file.view_filerepository"] }, "GET", "remotes/file/file/", {}, 403],
    [{ scopes: ["file.*"] }, "GET", "users/", {}, 403],
    [{ scopes: ["core.*"] }, "POST", "users/", { json: { username: "x" } }, 403],
    [{ scopes: ["core.*"] }, "POST", "orphans/cleanup/", { json: {} }, 403],
    [{ scopes: ["*"], domains: ["elsewhere"] }, "GET", repository.pulp_href, {}, 403],
    [{ scopes: ["*"], domains: ["default"] }, "GET", repository.pulp_href, {}, 200],
    [{ scopes: ["*"], domains: ["default"] }, "GET", "users/", {}, 403],
    [{ scopes: ["*"], objects: [repository.prn] }, "GET", repository.pulp_href, {}, 200],
    [{ scopes: ["*"], objects: [repository.prn] }, "GET", repository.versions_href, {}, 200],
    [{ scopes: ["*"], objects: [repository.prn] }, "GET", other.pulp_href, {}, 403],
    [{ scopes: ["*"], objects: [repository.prn] }, "GET", "repositories/file/file/", {}, 403],
  ];
  for (const [index, [scope, method, path, options, expected]] of cases.entries()) {
    const { token } = await made(api, { name: `t${index}`, ...scope });
    const { status, text } = await api.request(method, path, { ...bearer(token), ...options });
    assert.equal(status, expected, `${JSON.stringify(scope)} ${method} ${path}: ${text}`);
    if (status === 403) assert.match(text, /API token .* scope/);
  }
});

test("a token of one domain works in that domain only", async (t) => {
  const api = await createTestApi(t, { settings: { DOMAIN_ENABLED: true } });
  await api.ctx.db
    .insertInto("domain")
    .values({ id: uuid7(), name: "second", storage_class: "x" })
    .execute();
  const list = (domain: string, token: string) =>
    api.get(`/pulp/${domain}/api/v3/repositories/`, bearer(token));
  const { body } = await api.post("/pulp/default/api/v3/tokens/", {
    ...{ name: "second", scopes: ["read"], domains: ["second"] },
  });

  assert.equal((await list("second", body.token)).status, 200);
  assert.equal((await list("default", body.token)).status, 403);
});

test("a token of a user gives nothing that the user has not", async (t) => {
  const api = await createTestApi(t);
  await addUser(api, "eve");
  const { body } = await api.request("POST", "tokens/", {
    ...{ user: "eve:eve of the tests", json: { name: "all", scopes: ["*"] } },
  });

  const { status, body: refusal } = await api.get("users/", bearer(body.token));
  assert.equal(status, 403);
  assert.match(refusal.detail, /^You do not have permission/);
});

test("no token makes a token", async (t) => {
  const api = await createTestApi(t);
  const { token } = await made(api, { name: "all" });

  const { status, body } = await api.request("POST", "tokens/", {
    ...bearer(token),
    json: { name: "more", scopes: ["*"] },
  });
  assert.deepEqual(
    [status, body.detail],
    [403, "A token cannot make tokens; log in with the password."],
  );
});

/** Waits for a notification to arrive, for less than what nobody would have to be told. */
async function soon(check: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await check();
    } catch (error) {
      if (tries === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

test("what ends a token ends it in every process", async (t) => {
  const api = await createTestApi(t);
  const other = await beside(t, api);
  const ends: Readonly<Record<string, (href: string) => Promise<unknown>>> = {
    revoked: (href) => api.post(`${href}revoke/`, {}),
    "no such token": (href) => api.request("DELETE", href),
  };
  for (const [why, end] of Object.entries(ends)) {
    const { token, href } = await made(api, { name: why });
    assert.equal((await other.get("status/", bearer(token))).status, 200);
    assert.equal((await other.get("users/", bearer(token))).status, 200);
    await end(href);
    await soon(async () => {
      const { status, body } = await other.get("users/", bearer(token));
      assert.equal(status, 401);
      assert.ok(body.detail.includes(why), body.detail);
    });
  }
  assert.equal((await api.get("tokens/?revoked__isnull=false")).body.count, 1);
});

test("a user that is changed or gone is changed or gone in every process, log-ins included", async (t) => {
  const api = await createTestApi(t);
  const other = await beside(t, api);
  const id = await addUser(api, "eve");
  const eve = { user: "eve:eve of the tests" };
  const { body } = await api.request("POST", "tokens/", {
    ...eve,
    json: { name: "t", scopes: ["*"] },
  });
  const shown = [eve, bearer(body.token)];
  const statuses = () =>
    Promise.all(shown.map(async (one) => (await other.get("tokens/", one)).status));

  assert.deepEqual(await statuses(), [200, 200]);
  await api.request("PATCH", `users/${id}/`, { json: { password: "another good password" } });
  await soon(async () => assert.deepEqual(await statuses(), [401, 200]));
  await api.request("PATCH", `users/${id}/`, { json: { is_active: false } });
  await soon(async () => assert.deepEqual(await statuses(), [401, 401]));
  await api.request("PATCH", `users/${id}/`, { json: { is_active: true } });
  await soon(async () => assert.deepEqual(await statuses(), [401, 200]));
  await api.request("DELETE", `users/${id}/`);
  await soon(async () => assert.deepEqual(await statuses(), [401, 401]));
});

test("without a notification nothing is believed for five seconds", async (t) => {
  const api = await createTestApi(t);
  const { ctx } = api;
  const clock = { ms: Date.now() };
  Object.assign(ctx, { clock: { now: () => clock.ms } });
  const { token, href } = await made(api, { name: "t" });
  await addUser(api, "eve");
  const eve = { user: "eve:eve of the tests" };
  assert.equal((await api.get(href, bearer(token))).status, 200);
  assert.equal((await api.get("tokens/", eve)).status, 200);

  await ctx.db
    .updateTable("app_user")
    .set({ password: "!" })
    .where("username", "=", "eve")
    .execute();
  await ctx.db.updateTable("api_token").set({ expires: "2001-01-01T00:00:00Z" }).execute();
  clock.ms += 5_000;

  const late = await api.get("users/", bearer(token));
  assert.deepEqual([late.status, late.body.detail], [401, "Invalid token. It has expired."]);
  assert.equal((await api.get("tokens/", eve)).status, 401);
});

test("a verified log-in costs a look at its row every few seconds and no second slow hash", async (t) => {
  const api = await createTestApi(t);
  const clock = { ms: Date.now() };
  Object.assign(api.ctx, { clock: { now: () => clock.ms } });
  const { token } = await made(api, { name: "t" });
  await api.get("users/1/", bearer(token));
  await api.get("users/1/");

  for (const options of [bearer(token), {}]) {
    const warm = await api.statementsOf(() => api.get("users/1/", options));
    assert.equal(warm.length, 1);
    clock.ms += 4_500;
    const looked = await api.statementsOf(() => api.get("users/1/", options));
    assert.equal(looked.length, 2, looked.join("\n"));
    clock.ms -= 4_500;
  }
});
