import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { AuthenticationClass } from "#rest/auth/authentication.ts";
import { AuthenticationChain } from "#rest/auth/chain.ts";
import { coreAuthentication } from "#rest/auth/classes.ts";
import { createContext } from "../support/context.ts";
import { ADMIN_PASSWORD, createTestApi } from "../support/rest-api.ts";

const BASIC = "pulpcore.app.authentication.BasicAuthentication";
const SESSION = "rest_framework.authentication.SessionAuthentication";
const REMOTE = "pulpcore.app.authentication.PulpRemoteUserAuthentication";
const JSON_HEADER = "pulpcore.app.authentication.JSONHeaderRemoteAuthentication";
const CREATES = "django.contrib.auth.backends.RemoteUserBackend";

const chosen = (...names: readonly unknown[]) => ({
  REST_FRAMEWORK: { DEFAULT_AUTHENTICATION_CLASSES: names },
});
const remote = { REMOTE_USER_ENVIRON_NAME: "HTTP_REMOTE_USER", AUTHENTICATION_BACKENDS: [CREATES] };

const apiWith = (t: TestContext, settings: object) => createTestApi(t, { settings });

test("names that nobody knows stop the start with one sentence that lists the known ones", async (t) => {
  const { ctx } = await createContext(t);
  const problemWith = (settings: object): string => {
    try {
      new AuthenticationChain(
        { ...ctx, settings: { ...ctx.settings, ...settings } },
        coreAuthentication,
      );
      return "none";
    } catch (error) {
      return (error as Error).message;
    }
  };

  const unknown = problemWith(chosen(BASIC, "my.Own"));
  assert.match(unknown, /^REST_FRAMEWORK\.DEFAULT_AUTHENTICATION_CLASSES names my\.Own, which/);
  for (const name of [BASIC, SESSION, REMOTE, JSON_HEADER]) assert.ok(unknown.includes(name));
  assert.match(problemWith(chosen()), /must be a list of at least one name\.$/);
  assert.match(problemWith(chosen(1)), /names 1, which/);
  assert.match(
    problemWith({ REST_FRAMEWORK: { DEFAULT_AUTHENTICATION_CLASSES: BASIC } }),
    /must be a list/,
  );
  assert.match(problemWith(chosen(JSON_HEADER)), /needs AUTHENTICATION_JSON_HEADER and/);
  assert.match(
    problemWith({ AUTHENTICATION_BACKENDS: ["ldap"] }),
    /^AUTHENTICATION_BACKENDS names ldap, which is none of .*RemoteUserBackend/,
  );
  assert.equal(problemWith(chosen("rest_framework.authentication.BasicAuthentication")), "none");
});

test("the first class that recognises a request decides", async (t) => {
  const headers = { "remote-user": "rita" };
  const wrong = `admin:not ${ADMIN_PASSWORD}`;

  const basicFirst = await apiWith(t, { ...chosen(BASIC, REMOTE), ...remote });
  assert.equal((await basicFirst.get("login/", { headers })).body.username, "admin");
  assert.equal((await basicFirst.get("login/", { headers, user: null })).body.username, "rita");
  assert.equal((await basicFirst.get("login/", { headers, user: wrong })).status, 401);

  const remoteFirst = await apiWith(t, { ...chosen(REMOTE, BASIC), ...remote });
  assert.equal((await remoteFirst.get("login/", { headers })).body.username, "rita");
  assert.equal((await remoteFirst.get("login/")).body.username, "admin");
});

test("what is not in the setting recognises nobody", async (t) => {
  const api = await apiWith(t, chosen(SESSION));
  assert.equal((await api.get("login/")).status, 403);
  const other = await apiWith(t, { ...chosen(BASIC), ...remote });
  const { status } = await other.get("login/", { headers: { "remote-user": "rita" }, user: null });
  assert.equal(status, 401);
});

test("the challenge is that of the first class, and without one a 401 is a 403", async (t) => {
  const basic = await apiWith(t, chosen(BASIC, SESSION));
  for (const [headers, challenge] of [
    [{}, 'Basic realm="api"'],
    [{ "x-requested-with": "XMLHttpRequest" }, 'xBasic realm="api"'],
  ] as const) {
    for (const method of ["GET", "HEAD", "OPTIONS", "POST"]) {
      const answer = await basic.request(method, "users/", { user: null, headers });
      assert.equal(answer.status, 401);
      assert.equal(answer.headers["www-authenticate"], challenge);
      assert.equal(answer.headers.vary, "Accept, Cookie");
    }
  }

  const session = await apiWith(t, chosen(SESSION, BASIC));
  const detail = { detail: "Authentication credentials were not provided." };
  const anonymous = await session.get("users/", { user: null });
  assert.deepEqual([anonymous.status, anonymous.body], [403, detail]);
  assert.equal(anonymous.headers["www-authenticate"], undefined);
  const wrong = await session.get("users/", { user: "admin:no" });
  assert.deepEqual([wrong.status, wrong.body], [403, { detail: "Invalid username/password." }]);
});

test("the description names the schemes that are asked, in their order", async (t) => {
  const schemesOf = async (settings: object) => {
    const { body } = await (await apiWith(t, settings)).get("docs/api.json", { user: null });
    const [path] = Object.keys(body.paths).filter((name) => name.endsWith("/users/"));
    assert.deepEqual(
      body.paths[path ?? ""].get.security,
      Object.keys(body.components.securitySchemes).map((name) => ({ [name]: [] })),
    );
    assert.equal(body.paths["/pulp/api/v3/status/"].get.security, undefined);
    return body.components.securitySchemes;
  };
  const basicAuth = { type: "http", scheme: "basic" };
  const cookieAuth = { type: "apiKey", in: "cookie", name: "sessionid" };

  assert.deepEqual(await schemesOf({}), { basicAuth, cookieAuth });
  const oauth = { type: "oauth2", flows: {} };
  const all = await schemesOf({
    ...chosen(JSON_HEADER, REMOTE, BASIC),
    AUTHENTICATION_JSON_HEADER: "HTTP_X_ID",
    AUTHENTICATION_JSON_HEADER_JQ_FILTER: ".a",
    AUTHENTICATION_JSON_HEADER_OPENAPI_SECURITY_SCHEME: oauth,
  });
  assert.deepEqual(all, {
    json_header_remote_authentication: oauth,
    remoteUserAuthentication: { type: "mutualTLS" },
    basicAuth,
  });
  const twice = await schemesOf({
    ...chosen(JSON_HEADER, REMOTE, BASIC),
    AUTHENTICATION_JSON_HEADER: "HTTP_X_ID",
    AUTHENTICATION_JSON_HEADER_JQ_FILTER: ".a",
    AUTHENTICATION_JSON_HEADER_OPENAPI_SECURITY_SCHEME: { type: "mutualTLS" },
  });
  const json_header_remote_authentication = { type: "mutualTLS" };
  assert.deepEqual(twice, { json_header_remote_authentication, basicAuth }, "the same once");
});

test("a layer above brings classes of its own, and a token begins no session", async (t) => {
  const user = { id: 1, username: "admin", isSuperuser: true, isActive: true };
  const own: AuthenticationClass = {
    name: "own",
    identifiers: ["service.Own"],
    challenge: () => "Bearer",
    open:
      () =>
      async ({ headers }) =>
        headers["x-own"] ? { user, isToken: headers["x-own"] === "token" } : undefined,
  };
  const authentication = [...coreAuthentication, own];
  const api = await createTestApi(t, { settings: chosen("service.Own", BASIC), authentication });
  const post = async (value: string) => {
    const headers = value === "" ? {} : { "x-own": value };
    return api.request("POST", "login/", { user: null, headers });
  };

  assert.equal((await post("header")).status, 201);
  assert.equal((await post("token")).status, 403);
  const anonymous = await post("");
  assert.deepEqual([anonymous.status, anonymous.headers["www-authenticate"]], [401, "Bearer"]);
});
