import assert from "node:assert/strict";
import { test } from "node:test";
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from "jose";
import { revokeToken } from "#core/access/commands.ts";
import { createAccessWorld, PASSWORD } from "./access-world.ts";

const PULL = "repository:team/app:pull";

test("a stranger gets a token that opens what is public, and nothing else", async (t) => {
  const world = await createAccessWorld(t);
  await world.pushImage("team/app", "1");
  await world.pushImage("team/secret", "1");
  await world.setPrivate("team/secret", true);

  const challenged = await world.as(undefined, "GET", "/v2/team/app/manifests/1");
  const { host } = new URL(world.origin);
  assert.equal(challenged.status, 401);
  assert.equal(
    challenged.headers.get("www-authenticate"),
    `Bearer realm="${world.origin}/token/",service="${host}",scope="${PULL}"`,
  );
  assert.equal(challenged.headers.get("docker-distribution-api-version"), "registry/2.0");

  const scopes = [PULL, "repository:team/secret:pull", "repository:team/none:pull,push"];
  const { status, body, headers } = await world.token([scopes.join(" ")]);
  assert.equal(status, 200);
  assert.equal(headers.get("cache-control"), "no-store");
  assert.equal(body.token, body.access_token);
  assert.equal(body.expires_in, 300);
  assert.match(body.issued_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  const keys = await (await fetch(`${world.origin}/token/jwks.json`)).json();
  const { payload } = await jwtVerify(body.token, createLocalJWKSet(keys as JSONWebKeySet));
  assert.deepEqual(payload.access, [
    { type: "repository", name: "team/app", actions: ["pull"] },
    { type: "repository", name: "team/secret", actions: [] },
    { type: "repository", name: "team/none", actions: [] },
  ]);
  const { iss, aud, sub, nbf, iat, exp = 0, jti } = payload;
  assert.deepEqual([iss, aud, sub, nbf], [`${world.origin}/token/`, host, "", iat]);
  assert.equal(exp - Number(iat), 300);
  assert.match(String(jti), /^[0-9a-f-]{36}$/);
  assert.equal(decodeProtectedHeader(body.token).typ, "JWT");

  const bearer = `Bearer ${body.token}`;
  const get = async (path: string) => (await world.as(bearer, "GET", path)).status;
  assert.equal(await get("/v2/"), 200);
  assert.equal(await get("/v2/team/app/manifests/1"), 200);
  assert.equal(await get("/v2/team/app/manifests/2"), 404);
  assert.equal(await get("/v2/team/secret/manifests/1"), 401);
  assert.equal(await get("/v2/team/none/manifests/1"), 401);
  assert.equal(await get("/v2/_catalog"), 401);
  const pushed = await world.as(bearer, "POST", "/v2/team/app/blobs/uploads/");
  assert.equal(pushed.status, 401);
  assert.match(pushed.headers.get("www-authenticate") ?? "", /:push",error="insufficient_scope"$/);
});

test("what is not there and what is not to be seen are refused in the same words", async (t) => {
  const world = await createAccessWorld(t);
  await world.pushImage("team/secret", "1");
  await world.setPrivate("team/secret", true);
  await world.addUser("ann");
  const scopes = ["repository:team/secret:pull", "repository:team/absent:pull"];
  const { body } = await world.token(scopes, `ann:${PASSWORD}`);
  const words = async (authorization: string | undefined, name: string) => {
    const answer = await world.as(authorization, "GET", `/v2/team/${name}/manifests/1`);
    const text = `${answer.status} ${answer.headers.get("www-authenticate")} ${await answer.text()}`;
    return text.replaceAll(name, "NAME");
  };

  for (const authorization of [
    undefined,
    `Bearer ${body.token}`,
    `Basic ${Buffer.from(`ann:${PASSWORD}`).toString("base64")}`,
  ]) {
    assert.equal(await words(authorization, "secret"), await words(authorization, "absent"));
  }
});

test("a mount asks for both rights in one attribute, and is an upload without the second", async (t) => {
  const world = await createAccessWorld(t);
  await world.pushImage("team/app", "1");
  await world.pushImage("team/secret", "1");
  const digest = await world.pushBlob("team/secret", "bytes of the secret one");
  await world.setPrivate("team/secret", true);
  await world.addUser("ann");
  const { distribution } = await world.idsOf("team/app");
  await world.give({
    user: "ann",
    permissions: ["pull_containerdistribution", "push_containerdistribution"],
    object: distribution,
  });
  const path = `/v2/team/app/blobs/uploads/?mount=${digest}&from=team/secret`;

  const challenged = await world.as(undefined, "POST", path);
  const header = challenged.headers.get("www-authenticate") ?? "";
  assert.match(header, /scope="repository:team\/app:push repository:team\/secret:pull"$/);
  const narrow = await world.token(["repository:team/app:push"], `ann:${PASSWORD}`);
  assert.equal((await world.as(`Bearer ${narrow.body.token}`, "POST", path)).status, 401);
  const scopes = ["repository:team/app:push", "repository:team/secret:pull"];
  const both = await world.token(scopes, `ann:${PASSWORD}`);
  assert.equal((await world.as(`Bearer ${both.body.token}`, "POST", path)).status, 202);
  const anonymous = `/v2/team/app/blobs/uploads/?mount=${digest}`;
  assert.equal((await world.as(`Bearer ${both.body.token}`, "POST", anonymous)).status, 202);
  const admin = await world.ask("POST", path);
  assert.equal(admin.status, 201);
});

test("rights that are taken end what a token opens, before it expires", async (t) => {
  const world = await createAccessWorld(t);
  await world.pushImage("team/app", "1");
  await world.setPrivate("team/app", true);
  const ann = await world.addUser("ann");
  const { namespace } = await world.idsOf("team/app");
  await world.give({
    user: "ann",
    permissions: ["namespace_pull_containerdistribution"],
    object: namespace,
  });
  const robot = await world.robot(ann, { permissions: ["read"] });
  const bearer = async (login: string) =>
    `Bearer ${(await world.token([PULL], login)).body.token as string}`;
  const [own, robots] = [await bearer(`ann:${PASSWORD}`), await bearer(`ann:${robot.token}`)];
  const get = async (authorization: string) =>
    (await world.as(authorization, "GET", "/v2/team/app/manifests/1")).status;
  assert.deepEqual([await get(own), await get(robots)], [200, 200]);

  await revokeToken(world.ctx, robot.id);
  assert.deepEqual([await get(own), await get(robots)], [200, 401]);
  await world.takeAll();
  assert.equal(await get(own), 401);
});

test("tokens of another host, an unknown user or another server are refused", async (t) => {
  const world = await createAccessWorld(t);
  await world.pushImage("team/app", "1");
  await world.addUser("ann");
  const { body: elsewhere } = await world.token([PULL], undefined, { service: "other.example" });
  const { body: gone } = await world.token([PULL], `ann:${PASSWORD}`);
  await world.ctx.db.deleteFrom("app_user").where("username", "=", "ann").execute();

  for (const token of [elsewhere.token, gone.token, `${gone.token}a`, "a.b.c"]) {
    const answer = await world.as(`Bearer ${token}`, "GET", "/v2/team/app/manifests/1");
    assert.equal(answer.status, 401);
    assert.match(answer.headers.get("www-authenticate") ?? "", /error="invalid_token"$/);
  }
});

test("the token server says what is wrong with a request", async (t) => {
  const world = await createAccessWorld(t);
  const plain = await fetch(`${world.origin}/token/`);
  assert.equal(plain.status, 400);
  assert.equal(Object(await plain.json()).detail, "No service name provided.");
  const wrong = await world.token([], "admin:wrong");
  assert.equal(wrong.status, 401);
  assert.equal(wrong.headers.get("www-authenticate"), 'Basic realm="api"');
  assert.equal(wrong.body.errors[0].code, "UNAUTHORIZED");
  assert.equal((await world.form({})).body.error, "unsupported_grant_type");
  const large = await world.form({ grant_type: "password", username: "x".repeat(70_000) });
  assert.equal(large.status, 400);
  const notForm = await fetch(`${world.origin}/token/`, { method: "POST", body: "{}" });
  assert.equal(Object(await notForm.json()).error, "invalid_request");
  const put = await fetch(`${world.origin}/token/`, { method: "PUT" });
  assert.deepEqual([put.status, put.headers.get("allow")], [405, "GET, POST"]);
  assert.equal((await fetch(`${world.origin}/token/else`)).status, 404);
  const loggedOut = await world.token([], ":");
  assert.equal(loggedOut.status, 200);

  for (let at = 0; at < 12; at += 1) await world.token([], "admin:still wrong");
  const flood = await world.token([], "admin:still wrong");
  assert.equal(flood.status, 429);
  assert.ok(Number(flood.headers.get("retry-after")) > 0);
});

test("a log-in that is to last gets an API token for the registry in place of the password", async (t) => {
  const world = await createAccessWorld(t);
  await world.pushImage("team/app", "1");
  const login = `admin:admin of the tests`;
  const { body } = await world.token([], login, { offline_token: "true", client_id: "docker" });
  assert.match(body.refresh_token, /^dkl_/);

  const again = await world.form({
    grant_type: "refresh_token",
    refresh_token: body.refresh_token,
    scope: "repository:team/app:pull,push registry:catalog:*",
  });

  assert.equal(again.status, 200);
  assert.equal(again.body.refresh_token, body.refresh_token);
  const bearer = `Bearer ${again.body.access_token}`;
  assert.equal((await world.as(bearer, "POST", "/v2/team/app/blobs/uploads/")).status, 202);
  assert.equal((await world.as(bearer, "GET", "/v2/_catalog")).status, 200);
  const users = await world.request("GET", "users/", {
    user: null,
    headers: { authorization: `Bearer ${body.refresh_token}` },
  });
  assert.equal(users.status, 403);

  const refused = await world.form({ grant_type: "refresh_token", refresh_token: "dkl_nonsense" });
  assert.deepEqual([refused.status, refused.body.errors[0].code], [401, "UNAUTHORIZED"]);
  const fields = { grant_type: "password", username: "admin", access_type: "offline" };
  const right = await world.form({ ...fields, password: "admin of the tests" });
  assert.match(right.body.refresh_token, /^dkl_/);
  assert.equal((await world.form({ ...fields, password: "wrong" })).status, 401);
  const robot = await world.token([], `admin:${body.refresh_token}`, { offline_token: "true" });
  assert.equal("refresh_token" in robot.body, false);
  for (let at = 0; at < 25; at += 1) await world.token([], login, { offline_token: "true" });
  const { length } = await world.ctx.db.selectFrom("api_token").select("id").execute();
  assert.equal(length, 20);
});

test("a robot does what its token says, and no more than its owner", async (t) => {
  const world = await createAccessWorld(t);
  for (const name of ["team/app", "team/other", "base/os"]) await world.pushImage(name, "1");
  await world.setPrivate("team/app", true);
  await world.setPrivate("team/other", true);
  const ann = await world.addUser("ann");
  const { namespace, distribution } = await world.idsOf("team/app");
  await world.give({
    user: "ann",
    permissions: ["namespace_pull_containerdistribution", "namespace_push_containerdistribution"],
    object: namespace,
  });
  const scopes = ["team/app", "team/other", "base/os"].map(
    (name) => `repository:${name}:pull,push`,
  );
  const actions = async (scope: Parameters<typeof world.robot>[1]) => {
    const { token } = await world.robot(ann, scope);
    const { body } = await world.token(scopes, `robot:${token}`);
    const { access } = JSON.parse(Buffer.from(body.token.split(".")[1], "base64url").toString());
    return access.map((one: { actions: string[] }) => one.actions.join());
  };
  const on = (id: string) => [`prn:container.containerdistribution:${id}`];

  assert.deepEqual(await actions({ permissions: ["*"] }), ["pull,push", "pull,push", "pull"]);
  assert.deepEqual(await actions({ permissions: ["read"] }), ["pull", "pull", "pull"]);
  assert.deepEqual(await actions({ permissions: ["container.push_containerdistribution"] }), [
    ...["pull,push", "pull,push", "pull"],
  ]);
  assert.deepEqual(await actions({ permissions: ["*"], objects: on(distribution) }), [
    ...["pull,push", "", "pull"],
  ]);
  assert.deepEqual(
    await actions({
      permissions: ["*"],
      objects: [`prn:container.containernamespace:${namespace}`],
    }),
    ["pull,push", "pull,push", "pull"],
  );
  assert.deepEqual(await actions({ permissions: ["*"], domains: ["other"] }), ["", "", "pull"]);
  assert.deepEqual(await actions({ permissions: ["file.*"] }), ["", "", "pull"]);
  const { token: old } = await world.robot(ann, { permissions: ["*"] }, "2001-01-01T00:00:00Z");
  assert.equal((await world.token(scopes, `ann:${old}`)).status, 401);
});

test("a check that is warm sends no statement, and a cold one a few", async (t) => {
  const world = await createAccessWorld(t);
  await world.pushImage("team/app", "1");
  await world.setPrivate("team/app", true);
  await world.addUser("ann");
  const { namespace } = await world.idsOf("team/app");
  await world.give({
    user: "ann",
    permissions: ["namespace_pull_containerdistribution"],
    object: namespace,
  });
  const { body } = await world.token([PULL], `ann:${PASSWORD}`);
  const get = () => world.as(`Bearer ${body.token}`, "HEAD", "/v2/team/app/manifests/1");
  const first = await world.statementsOf(get);
  const second = await world.statementsOf(get);

  assert.ok(first.length <= 7, first.join("\n"));
  assert.deepEqual(second, []);
  const many = Array.from({ length: 90 }, (_, at) => `repository:team/app${at}:pull`);
  const one = await world.statementsOf(() => world.token([PULL], `ann:${PASSWORD}`));
  const all = await world.statementsOf(() => world.token(many, `ann:${PASSWORD}`));
  assert.ok(all.length <= one.length + 1, all.join("\n"));
});

test("clients are sent to the token server as they reach it", async (t) => {
  const realmOf = async (settings: object, path: string, headers: Record<string, string> = {}) => {
    const world = await createAccessWorld(t, { settings });
    await world.pushImage("team/app", "1");
    const ask = (authorization?: string) =>
      world.as(authorization, "GET", path, { headers: { ...headers } });
    const challenge = (await ask()).headers.get("www-authenticate") ?? "";
    const [, realm = "", service = ""] = /realm="([^"]*)",service="([^"]*)"/.exec(challenge) ?? [];
    const below = new URL(realm).pathname;
    const query = new URLSearchParams({ service, scope: PULL });
    const answer = await fetch(`${world.origin}${below}?${query}`, { headers });
    const { token } = Object(await answer.json());
    assert.equal((await ask(`Bearer ${token}`)).status, 200);
    return [realm.replace(world.origin, "ORIGIN"), service.replace(/^127.*/, "HOST")];
  };
  const path = "/v2/team/app/tags/list";
  const forwarded = { "x-forwarded-proto": "https", "x-forwarded-host": "r.example.org" };

  assert.deepEqual(await realmOf({}, path, forwarded), ["ORIGIN/token/", "HOST"]);
  const fixed = { TOKEN_SERVER: "https://auth.example.org/token/" };
  assert.deepEqual(await realmOf(fixed, path), [fixed.TOKEN_SERVER, "HOST"]);
  const trusting = { TRUSTED_PROXIES: ["127.0.0.1"] };
  assert.deepEqual(await realmOf(trusting, path, forwarded), [
    "https://r.example.org/token/",
    "r.example.org",
  ]);
  const mounted = { REGISTRY_MOUNT_PREFIXES: ["/", "/api/pulp/"] };
  assert.deepEqual(await realmOf(mounted, `/api/pulp${path}`), ["ORIGIN/api/pulp/token/", "HOST"]);
});
