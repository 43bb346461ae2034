import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestAnswer, TestApi } from "../../support/rest-api.ts";
import {
  as,
  base64,
  below,
  CLASSES,
  certificate,
  createService,
  groupsOf,
  headersFor,
  saml,
  user,
} from "./support.ts";

const ALL = [
  CLASSES.certificate,
  CLASSES.basic,
  CLASSES.session,
  CLASSES.saml,
  CLASSES.terms,
  CLASSES.turnpike,
  CLASSES.deprecated,
];
const LOGIN = below("default", "login/");
const CREDENTIALS = { detail: "Authentication credentials were not provided." };
const DENIED = { detail: "Access denied." };
const NO_JSON = { detail: "Access denied. Invalid JSON." };

const raw = (api: TestApi, value: string): Promise<TestAnswer> =>
  api.get(LOGIN, { user: null, headers: { "x-rh-identity": value } });

const users = ({ ctx }: TestApi) =>
  ctx.db.selectFrom("app_user").selectAll().where("username", "<>", "admin").execute();

test("service 2.1: every row of the decoding of the header", async (t) => {
  const api = await createService(t, { classes: ALL });
  const absent = await api.get(LOGIN, { user: null });
  assert.deepEqual([absent.status, absent.body], [401, CREDENTIALS], "header absent");
  assert.equal(absent.headers["www-authenticate"], "Bearer", "of the first class");

  const whole = base64(JSON.stringify({ identity: user("mara", "44") }));
  const refused: readonly (readonly [string, object])[] = [
    ["", NO_JSON], // present but empty
    ["x", DENIED], // bad padding
    [whole.slice(0, -1), DENIED],
    ["====", DENIED],
    [base64("hello"), NO_JSON], // no JSON
    [whole.slice(0, -8), NO_JSON],
    [base64("null"), NO_JSON], // JSON that is no object
    [base64("[1]"), NO_JSON],
    [base64('"mara"'), NO_JSON],
    [base64(Buffer.from([0x7b, 0xff, 0x7d])), NO_JSON], // no UTF-8
    [base64('{"identity":"mara"}'), NO_JSON], // a scalar where an object is expected
    [base64('{"identity":{"x509":7}}'), NO_JSON],
    [base64('{"identity":{"user":["mara"]}}'), NO_JSON],
    [base64('{"identity":{"user":{"username":{}}}}'), NO_JSON],
    [base64('{"identity":{"user":{"username":90071992547409931}}}'), NO_JSON],
    ["A".repeat(16_388), DENIED],
  ];
  for (const [value, body] of refused) {
    const answer = await raw(api, value);
    assert.deepEqual([answer.status, answer.body], [401, body], value.slice(0, 60));
  }
  for (const identity of [null, {}, { user: null }, { user: {} }, { user: { username: "" } }]) {
    const answer = await api.get(LOGIN, as(identity));
    assert.deepEqual([answer.status, answer.body], [401, CREDENTIALS], JSON.stringify(identity));
  }
  assert.deepEqual(await users(api), [], "nobody was made");
  const loose = whole.replace(/^(.{20})/, "$1 -\t_");
  assert.equal((await raw(api, loose)).body.username, "44|mara", "foreign characters are dropped");
});

test("service 2.2, 3: every shape of identity is recognised by its class, or by none", async (t) => {
  const api = await createService(t, { classes: ALL });
  const subject = "/O=Example/OU=builders, west/UID=ci bot";
  const registry = { registry: { org_id: "4400123", username: "puller" } };
  const shapes: readonly (readonly [object, string | null, readonly string[]])[] = [
    [user("mara", "4400123"), "4400123|mara", ["rh-org-4400123"]],
    [user("ona", 77), "77|ona", ["rh-org-77"]],
    [user("lone"), "|lone", []],
    [{ org_id: "9", user: { username: "outer" } }, "9|outer", []],
    [certificate(subject), subject, []],
    [certificate("/CN=with org", " 5 "), "/CN=with org", ["rh-org-5"]],
    [saml("ops@example.org"), "ops@example.org", []],
    [{ ...saml("org@example.org"), internal: { org_id: "5" } }, "org@example.org", []],
    [{ ...registry, auth_type: "registry-auth" }, "4400123|puller", []],
    [registry, null, []],
    [{ internal: { org_id: "1" }, system: { cn: "host" } }, null, []],
    [{ org_id: "1", service_account: { username: "service-account-1" } }, null, []],
  ];
  for (const [identity, name, groups] of shapes) {
    for (const turn of [1, 2, 3]) {
      const answer = await api.get(LOGIN, as(identity));
      const what = `${JSON.stringify(identity)}, time ${turn}`;
      assert.equal(answer.status, name === null ? 401 : 200, what);
      if (name !== null) assert.equal(answer.body.username, name, what);
    }
    if (name !== null) assert.deepEqual(await groupsOf(api, name), groups, name);
  }
  const made = await users(api);
  assert.equal(made.length, shapes.filter(([, name]) => name !== null).length);
  for (const one of made) {
    assert.deepEqual([one.is_active, one.is_staff, one.is_superuser], [true, false, false]);
    assert.ok(one.password.startsWith("!"), "the password is unusable");
  }
  assert.ok(
    api.logged.some((line) => /WARNING .*"service-account-1"/.test(line)),
    "deprecated",
  );
  const lines = api.logged.filter((line) => line.includes("New user created"));
  assert.ok(lines.includes(`INFO New user created: username=4400123|mara, route=${LOGIN}`));
  assert.equal(lines.length, made.length, "one line for each");
});

test("service 3: the order of the setting decides, and Basic before the terms is an administrator", async (t) => {
  const api = await createService(t);
  const stale = await api.get(LOGIN, { headers: headersFor(user("mara", "1")) });
  assert.equal(stale.body.username, "admin", "Basic credentials beside a stale header");
  const bad = await api.get(LOGIN, { headers: { "x-rh-identity": "x" } });
  assert.deepEqual([bad.status, bad.body], [401, DENIED], "a class that refuses ends it");
  const both = await api.get(LOGIN, { headers: headersFor(certificate("/CN=first")) });
  assert.equal(both.body.username, "/CN=first", "certificates come before Basic");
  const wrong = await api.get(LOGIN, { user: "admin:wrong" });
  assert.deepEqual([wrong.status, wrong.body], [401, { detail: "Invalid username/password." }]);
  const mara = await api.get(LOGIN, as(user("mara", "1")));
  assert.equal(mara.body.username, "1|mara");
  const { pulp_href } = (await api.get(below("default", "users/?username=1|mara"))).body.results[0];
  await api.request("PATCH", pulp_href, { json: { is_active: false } });
  const inactive = await api.get(LOGIN, as(user("mara", "1")));
  assert.deepEqual(
    [inactive.status, inactive.body],
    [401, { detail: "User inactive or deleted." }],
  );
});

test("service 3: without the setting the classes have an order of their own", async (t) => {
  const api = await createService(t, { REST_FRAMEWORK: {} });
  const identity = { ...user("mara", "1"), ...certificate("/CN=a"), ...saml("b@example.org") };
  assert.equal((await api.get(LOGIN, as(identity))).body.username, "/CN=a");
  const { x509: _, ...rest } = identity;
  assert.equal((await api.get(LOGIN, as(rest))).body.username, "b@example.org");
  assert.equal(
    (await api.get(LOGIN, { headers: headersFor(user("c", "1")) })).body.username,
    "admin",
  );
  assert.equal((await api.get(LOGIN, as(user("c", "1")))).body.username, "1|c");
});

test("service 3: the first class without a challenge makes a 401 a 403", async (t) => {
  const api = await createService(t, { classes: [CLASSES.saml, CLASSES.basic] });
  const answer = await api.get(LOGIN, { user: null });
  assert.deepEqual([answer.status, answer.body], [403, CREDENTIALS]);
  assert.equal(answer.headers["www-authenticate"], undefined);
});

test("service 3: the description says how clients get past the gateway", async (t) => {
  const schemesOf = async (more: Parameters<typeof createService>[1]) => {
    const api = await createService(t, more);
    const { body } = await api.get("/pulp/api/v3/docs/api.json", { user: null });
    return body.components.securitySchemes;
  };
  const described = {
    certificateAuthentication: { type: "mutualTLS" },
    basicAuth: { type: "http", scheme: "basic" },
    cookieAuth: { type: "apiKey", in: "cookie", name: "sessionid" },
  };
  assert.deepEqual(await schemesOf({}), described);
  const flow = { tokenUrl: "https://sso.example/token", scopes: { "api.console": "grant" } };
  const oauth2 = { type: "oauth2", flows: { clientCredentials: flow } };
  assert.deepEqual(
    await schemesOf({
      AUTHENTICATION_JSON_HEADER_OPENAPI_SECURITY_SCHEME: oauth2,
      classes: ALL,
    }),
    { ...described, json_header_remote_authentication: oauth2 },
  );
});

test("service 3: unknown names stop the start and name the known ones", async (t) => {
  await assert.rejects(createService(t, { classes: ["pulp_service.app.authentication.Nobody"] }), {
    message: /names pulp_service\.app\.authentication\.Nobody.*RHSamlAuthentication/,
  });
  const settings = { REST_FRAMEWORK: { DEFAULT_PERMISSION_CLASSES: ["pulp_service.Nothing"] } };
  await assert.rejects(createService(t, settings), {
    message: /pulp_service\.Nothing.*DomainBasedPermission/,
  });
});

test("without a backend for remote users no header names anybody", async (t) => {
  const api = await createService(t, { AUTHENTICATION_BACKENDS: [CLASSES.saml], classes: ALL });
  assert.equal((await api.get(LOGIN, as(user("mara", "1")))).status, 401);
  assert.deepEqual(await users(api), []);
});

test("with TRUSTED_PROXIES a header from elsewhere is not there, nor its organisation", async (t) => {
  const api = await createService(t, { TRUSTED_PROXIES: ["10.1.0.0/16"], classes: ALL });
  const near = { remoteAddress: "10.1.2.3" };
  const far = { remoteAddress: "192.0.2.1" };
  assert.equal((await api.get(LOGIN, as(user("mara", "1"), near))).status, 200);
  const forged = await api.get(LOGIN, as(user("mara", "1"), far));
  assert.deepEqual([forged.status, forged.body], [401, CREDENTIALS]);
  const broken = await api.get(LOGIN, { user: null, headers: { "x-rh-identity": "x" }, ...far });
  assert.deepEqual(broken.body, CREDENTIALS, "it is not even looked at");
});

test("service 4: who comes from another organisation is in both groups, and a warning tells", async (t) => {
  const api = await createService(t);
  await api.get(LOGIN, as(certificate("/CN=mover", "1")));
  await api.get(LOGIN, as(certificate("/CN=mover", "2")));
  assert.deepEqual(await groupsOf(api, "/CN=mover"), ["rh-org-1", "rh-org-2"]);
  const warnings = api.logged.filter(
    (line) => line.startsWith("WARNING") && line.includes("/CN=mover"),
  );
  assert.equal(warnings.length, 1);
});

test("service 4: many first requests of one user at once make one user and one group", async (t) => {
  const api = await createService(t);
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => api.get(LOGIN, as(user("mara", "1")))),
  );
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  assert.equal((await users(api)).length, 1);
  assert.deepEqual(await groupsOf(api, "1|mara"), ["rh-org-1"]);
});
