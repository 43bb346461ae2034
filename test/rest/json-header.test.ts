import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createTestApi } from "../support/rest-api.ts";

const BASIC = "pulpcore.app.authentication.BasicAuthentication";
const settings = {
  REST_FRAMEWORK: {
    DEFAULT_AUTHENTICATION_CLASSES: [
      BASIC,
      "pulpcore.app.authentication.JSONHeaderRemoteAuthentication",
    ],
  },
  AUTHENTICATION_BACKENDS: ["django.contrib.auth.backends.RemoteUserBackend"],
  AUTHENTICATION_JSON_HEADER: "HTTP_X_RH_IDENTITY",
  AUTHENTICATION_JSON_HEADER_JQ_FILTER: ".identity.user.username",
};

async function apiWith(t: TestContext, more: object = {}) {
  const api = await createTestApi(t, { settings: { ...settings, ...more } });
  const send = (value: string, remoteAddress = "10.1.2.3") =>
    api.get("login/", { user: null, headers: { "x-rh-identity": value }, remoteAddress });
  return { api, send, sendJson: (value: unknown) => send(base64(JSON.stringify(value))) };
}

const base64 = (bytes: string | Buffer): string => Buffer.from(bytes).toString("base64");
const identityOf = (username: unknown) => ({ identity: { org_id: "44", user: { username } } });

test("the user whom a gateway names in JSON is made and known", async (t) => {
  const { api, send, sendJson } = await apiWith(t);

  const { status, body } = await sendJson(identityOf("mara"));
  assert.deepEqual([status, body.username], [200, "mara"]);
  assert.equal((await sendJson(identityOf("übermara😀"))).body.username, "übermara😀");
  assert.equal((await sendJson(identityOf(12))).body.username, "12");
  const loose = base64(JSON.stringify(identityOf("mara"))).replace(/^(.{20})/, "$1 -\t");
  assert.equal((await send(loose)).body.username, "mara", "foreign characters are dropped");

  const headers = { "x-rh-identity": base64(JSON.stringify(identityOf("mara"))) };
  assert.equal((await api.get("login/", { headers })).body.username, "admin", "Basic comes first");
});

test("a program decides, with the whole language", async (t) => {
  const program =
    '.identity | if .user.username then "\\(.org_id // "")|\\(.user.username)" else empty end';
  const { sendJson } = await apiWith(t, { AUTHENTICATION_JSON_HEADER_JQ_FILTER: program });
  assert.equal((await sendJson(identityOf("mara"))).body.username, "44|mara");
  const lone = { identity: { user: { username: "mara" } } };
  assert.equal((await sendJson(lone)).body.username, "|mara");
  assert.equal((await sendJson({ identity: { system: {} } })).status, 401);
});

const CREDENTIALS = { detail: "Authentication credentials were not provided." };
const DENIED = { detail: "Access denied." };
const NO_JSON = { detail: "Access denied. Invalid JSON." };

test("JSON without the wanted name leaves the request to the next class", async (t) => {
  const { sendJson } = await apiWith(t);
  for (const value of [
    {},
    { identity: null },
    identityOf(null),
    identityOf(""),
    identityOf(false),
  ]) {
    const { status, body, headers } = await sendJson(value);
    assert.deepEqual([status, body], [401, CREDENTIALS], JSON.stringify(value));
    assert.equal(headers["www-authenticate"], 'Basic realm="api"');
  }
});

test("a header that is forged, cut off, wrongly encoded or huge is a 401 in its shape", async (t) => {
  const { api, send, sendJson } = await apiWith(t);
  const whole = base64(JSON.stringify(identityOf("mara")));
  const nested = (open: string, close: string) => base64(open.repeat(5000) + close.repeat(5000));
  const refused: readonly (readonly [string, object])[] = [
    ["", NO_JSON],
    ["!!!", NO_JSON],
    ["x", DENIED],
    ["a=b=", DENIED],
    ["====", DENIED],
    [whole.slice(0, -1), DENIED],
    [whole.slice(0, -8), NO_JSON],
    [JSON.stringify(identityOf("mara")), DENIED],
    [`${whole}${whole}`, DENIED],
    [base64("null"), NO_JSON],
    [base64('"mara"'), NO_JSON],
    [base64("[]"), NO_JSON],
    [base64("{"), NO_JSON],
    [base64('{"identity":"mara"}'), NO_JSON],
    [base64('{"identity":{"user":{"username":"\\ud800"}}}'), NO_JSON],
    [base64('{"identity":{"user":["mara"]}}'), NO_JSON],
    [base64(Buffer.from([0x7b, 0xff, 0x7d])), NO_JSON],
    [nested("[", "]"), NO_JSON],
    [nested('{"a":', "}").slice(0, 16_000), NO_JSON],
    ["A".repeat(16_385), DENIED],
  ];
  for (const [value, detail] of refused) {
    const { status, body } = await send(value);
    assert.deepEqual([status, body], [401, detail], value.slice(0, 60));
  }
  for (const name of [{ a: 1 }, ["mara"], true, "a\u0000b", "a\nb", "x".repeat(513)]) {
    const { status, body } = await sendJson(identityOf(name));
    assert.deepEqual([status, body], [401, DENIED], JSON.stringify(name).slice(0, 60));
  }
  const made = await api.ctx.db.selectFrom("app_user").select("id").execute();
  assert.equal(made.length, 1, "nobody was made");
});

test("a program that fails or does not end is a 401, and others are served meanwhile", async (t) => {
  const { api, sendJson } = await apiWith(t, {
    AUTHENTICATION_JSON_HEADER_JQ_FILTER: ".identity | def f: f; f",
  });
  const slow = sendJson(identityOf("mara"));
  const started = performance.now();
  assert.equal((await api.get("users/")).status, 200);
  assert.ok(performance.now() - started < 1500, "the process is not held up");
  assert.deepEqual((await slow).body, NO_JSON);
  assert.ok(api.logged.some((line) => line.includes("AUTHENTICATION_JSON_HEADER_JQ_FILTER")));
});

test("with TRUSTED_PROXIES the header counts from them alone", async (t) => {
  const { send } = await apiWith(t, { TRUSTED_PROXIES: ["10.1.0.0/16"] });
  const value = base64(JSON.stringify(identityOf("mara")));
  assert.equal((await send(value)).status, 200);
  const forged = await send(value, "192.0.2.1");
  assert.deepEqual([forged.status, forged.body], [401, CREDENTIALS]);
  assert.deepEqual((await send("x", "192.0.2.1")).body, CREDENTIALS, "it is not even looked at");
});
