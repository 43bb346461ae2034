import assert from "node:assert/strict";
import { test } from "node:test";
import { ADMIN_PASSWORD, createTestApi, ROOT, type TestApi } from "../support/rest-api.ts";

test("a valid correlation id comes back byte for byte, any other is replaced", async (t) => {
  const api = await createTestApi(t);
  const cases = [
    ["4f1e2d3c4b5a69788796a5b4c3d2e1f0", true],
    ["4F1E2D3C-4B5A-6978-8796-A5B4C3D2E1F0", true],
    ["not-a-uuid", false],
    ["", false],
  ] as const;

  for (const [given, isKept] of cases) {
    const { headers } = await api.get("livez/", { headers: { "correlation-id": given } });
    if (isKept) assert.equal(headers["correlation-id"], given);
    else assert.match(String(headers["correlation-id"]), /^[0-9a-f]{32}$/);
  }
});

test("every answer carries the standard headers and the plain JSON type", async (t) => {
  const api = await createTestApi(t);

  const { headers } = await api.get("users/");

  assert.equal(headers["content-type"], "application/json");
  assert.equal(headers["access-control-expose-headers"], "Correlation-ID");
  assert.equal(headers["x-frame-options"], "DENY");
  assert.equal(headers["x-content-type-options"], "nosniff");
  assert.equal(headers["referrer-policy"], "same-origin");
  assert.equal(headers["cross-origin-opener-policy"], "same-origin");
  assert.match(String(headers.vary), /Accept/);
  assert.equal(headers.allow, "GET, POST, HEAD, OPTIONS");
});

test("a path without its slash is moved, whatever the method", async (t) => {
  const api = await createTestApi(t);

  for (const method of ["GET", "POST", "DELETE"]) {
    const answer = await api.request(method, "tasks?limit=1", { json: { a: 1 } });
    assert.equal(answer.status, 301, method);
    assert.equal(answer.headers.location, `${ROOT}tasks/?limit=1`);
  }
});

test("methods that a path does not have are 405, after the log-in", async (t) => {
  const api = await createTestApi(t);

  const wrong = await api.request("PUT", "tasks/");
  assert.equal(wrong.status, 405);
  assert.deepEqual(wrong.body, { detail: 'Method "PUT" not allowed.' });
  assert.equal(wrong.headers.allow, "GET, HEAD, OPTIONS");

  const anonymous = await api.request("PUT", "tasks/", { user: null });
  assert.equal(anonymous.status, 401);

  const open = await api.request("POST", "status/", { user: null });
  assert.equal(open.status, 405);
  assert.equal(open.headers.allow, "GET, HEAD, OPTIONS");
});

test("HEAD is GET without its body", async (t) => {
  const api = await createTestApi(t);

  const { status, text, headers } = await api.request("HEAD", "users/1/");

  assert.equal(status, 200);
  assert.equal(text, "");
  assert.equal(headers["content-type"], "application/json");
});

test("unrouted paths, malformed keys and missing objects are different 404s in JSON", async (t) => {
  const api = await createTestApi(t);
  const missing = "01900000-0000-7000-8000-000000000000";

  assert.match((await api.get("no/such/thing/")).body.detail, /nothing at/);
  assert.deepEqual((await api.get("tasks/x/")).body, { detail: "Not found." });
  assert.deepEqual((await api.get("users/abc/")).body, { detail: "Not found." });
  assert.deepEqual((await api.get(`tasks/${missing}/`)).body, {
    detail: "No Task matches the given query.",
  });
  assert.deepEqual((await api.get(`workers/${missing}/`)).body, {
    detail: "No AppStatus matches the given query.",
  });
  assert.equal((await api.get(`tasks/${missing}/`)).status, 404);
});

test("the index lists every top-level list with its absolute address, to anybody", async (t) => {
  const api = await createTestApi(t);

  const { status, body } = await api.get("", { user: null });

  assert.equal(status, 200);
  assert.equal(body.tasks, `http://deckle.example${ROOT}tasks/`);
  assert.equal(body["task-groups"], `http://deckle.example${ROOT}task-groups/`);
  assert.equal(body.status, undefined);
});

test("hosts that are malformed or not allowed are refused", async (t) => {
  const api = await createTestApi(t, {
    settings: { ALLOWED_HOSTS: ["good.example", ".sub.example"] },
  });
  const statusOf = async (host: string) => (await api.get("livez/", { headers: { host } })).status;

  for (const host of ["good.example", "GOOD.example:8080", "a.sub.example", "sub.example"]) {
    assert.equal(await statusOf(host), 200, host);
  }
  for (const host of ["evil", "a@b", "[::1", "good.example.evil", "notsub.example"]) {
    assert.equal(await statusOf(host), 400, host);
  }
});

test("without a list of hosts a malformed one is still refused", async (t) => {
  const api = await createTestApi(t);

  for (const host of ["a@b", "[::1", "a b", "a/b"]) {
    assert.equal((await api.get("livez/", { headers: { host } })).status, 400, host);
  }
});

const pageLinks = async (api: TestApi, remoteAddress: string) => {
  const forwarded = {
    "x-forwarded-proto": "https",
    "x-forwarded-host": "proxy.example",
    "x-forwarded-for": "203.0.113.9",
  };
  const { body } = await api.get("users/?limit=1", { headers: forwarded, remoteAddress });
  return body.next as string;
};

test("links follow a trusted proxy and nobody else", async (t) => {
  const api = await createTestApi(t, { settings: { TRUSTED_PROXIES: ["10.1.0.0/16"] } });
  await api.post("users/", { username: "second" });

  assert.equal(
    await pageLinks(api, "10.1.2.3"),
    `https://proxy.example${ROOT}users/?limit=1&offset=1`,
  );
  assert.equal(
    await pageLinks(api, "10.2.0.1"),
    `http://deckle.example${ROOT}users/?limit=1&offset=1`,
  );
});

test("the header that rewrites the API root moves paths and hrefs", async (t) => {
  const api = await createTestApi(t, { settings: { API_ROOT_REWRITE_HEADER: "X-API-Root" } });
  const headers = { "x-api-root": "/other/root/" };

  const { status, body } = await api.get("/other/root/api/v3/users/1/", { headers });
  assert.equal(status, 200);
  assert.equal(body.pulp_href, "/other/root/api/v3/users/1/");

  assert.equal((await api.get(`${ROOT}users/1/`, { headers })).status, 404);
  assert.equal((await api.get(`${ROOT}users/1/`)).status, 200);
});

const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

const credentials: readonly (readonly [string, string | undefined, string])[] = [
  ["none", undefined, "Authentication credentials were not provided."],
  ["another scheme", "Bearer abc", "Authentication credentials were not provided."],
  ["a wrong password", basic("admin:wrong"), "Invalid username/password."],
  ["an unknown user", basic("nobody:wrong"), "Invalid username/password."],
  ["an empty user", basic(":x"), "Invalid username/password."],
  ["a huge password", basic(`admin:${"x".repeat(5000)}`), "Invalid username/password."],
  ["bytes above 0x7f", basic("admin:\u00ff\u00fe"), "Invalid username/password."],
  ["no colon", basic("admin"), "Invalid basic header. Credentials not correctly base64 encoded."],
  ["no token", "Basic", "Invalid basic header. No credentials provided."],
  ["spaces", "Basic a b", "Invalid basic header. Credentials string should not contain spaces."],
];

test("log-ins that fail are 401 with a challenge", async (t) => {
  const api = await createTestApi(t);

  for (const [what, authorization, detail] of credentials) {
    const headers = authorization === undefined ? {} : { authorization };
    const answer = await api.get("users/", { user: null, headers });
    assert.equal(answer.status, 401, what);
    assert.deepEqual(answer.body, { detail }, what);
    assert.equal(answer.headers["www-authenticate"], 'Basic realm="api"', what);
  }
});

test("a script in a browser is challenged without a dialog", async (t) => {
  const api = await createTestApi(t);
  const headers = { "x-requested-with": "XMLHttpRequest" };

  const answer = await api.get("users/", { user: null, headers });

  assert.equal(answer.headers["www-authenticate"], 'xBasic realm="api"');
});

test("a flood of failing log-ins is slowed down, and not for others", async (t) => {
  const api = await createTestApi(t);
  const attempt = () => api.get("users/", { user: "victim:guess", remoteAddress: "192.0.2.1" });
  for (let count = 0; count < 10; count += 1) assert.equal((await attempt()).status, 401);

  const refused = await attempt();

  assert.equal(refused.status, 429);
  assert.match(String(refused.headers["retry-after"]), /^\d+$/);
  const other = await api.get("users/", { remoteAddress: "192.0.2.1" });
  assert.equal(other.status, 200);
});

test("who is no administrator may not see users, and nobody may delete artifacts", async (t) => {
  const api = await createTestApi(t);
  await api.post("users/", { username: "plain", password: "a plain password" });

  const plain = await api.get("users/", { user: "plain:a plain password" });
  assert.equal(plain.status, 403);
  assert.deepEqual(plain.body, { detail: "You do not have permission to perform this action." });

  const artifact = "artifacts/01900000-0000-7000-8000-000000000000/";
  assert.equal((await api.request("DELETE", artifact)).status, 403);
});

test("a log-in is looked up once a minute", async (t) => {
  const api = await createTestApi(t);
  await api.get("users/1/");

  const again = await api.statementsOf(() => api.get("users/1/"));

  assert.equal(again.length, 1);
  assert.equal(ADMIN_PASSWORD.length > 0, true);
});

test("an answer of the database that is away is 503, and liveness needs none", async (t) => {
  const api = await createTestApi(t);
  await api.get("users/1/");
  assert.equal((await api.get("readyz/", { user: null })).status, 200);
  await api.ctx.db.destroy();
  assert.equal((await api.get("readyz/", { user: null })).status, 503);

  const answer = await api.get("livez/", { user: null });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers["content-length"], "0");
});

test("more log-ins than can be checked in time are asked to come back, whoever they are", async (t) => {
  const api = await createTestApi(t);
  const statuses = await Promise.all(
    Array.from({ length: 130 }, async (_, n) => {
      const remoteAddress = `192.0.2.${n}`;
      return (await api.get("tasks/", { user: `nobody-${n}:guess`, remoteAddress })).status;
    }),
  );
  assert.deepEqual([...new Set(statuses)].sort(), [401, 429]);
});
