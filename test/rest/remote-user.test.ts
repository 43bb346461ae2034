import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createTestApi } from "../support/rest-api.ts";

const CREATES = "django.contrib.auth.backends.RemoteUserBackend";
const KNOWS = "pulpcore.app.authentication.PulpNoCreateRemoteUserBackend";
const PROXY = "10.1.2.3";

const settings = {
  REST_FRAMEWORK: {
    DEFAULT_AUTHENTICATION_CLASSES: ["pulpcore.app.authentication.PulpRemoteUserAuthentication"],
  },
  REMOTE_USER_ENVIRON_NAME: "HTTP_REMOTE_USER",
  AUTHENTICATION_BACKENDS: [CREATES],
};

async function apiWith(t: TestContext, more: object = {}) {
  const api = await createTestApi(t, { settings: { ...settings, ...more } });
  /** Reads `login/` as somebody in front of us has authenticated. */
  const as = (name: string, remoteAddress = PROXY) =>
    api.get("login/", { user: null, headers: { "remote-user": name }, remoteAddress });
  const users = async () =>
    (await api.ctx.db.selectFrom("app_user").selectAll().orderBy("id").execute()).slice(1);
  return { api, as, users };
}

test("a name that a proxy has authenticated becomes a user, once", async (t) => {
  const { api, as, users } = await apiWith(t);

  const answers = await Promise.all(Array.from({ length: 20 }, () => as("rita")));

  for (const { status, body } of answers) {
    assert.equal(status, 200);
    assert.equal(body.username, "rita");
  }
  const [rita, ...more] = await users();
  assert.deepEqual(more, []);
  assert.deepEqual(
    [rita?.is_active, rita?.is_staff, rita?.is_superuser, rita?.password.startsWith("!")],
    [true, false, false, true],
  );
  const lines = api.logged.filter((line) => line.includes("New user created"));
  assert.deepEqual(lines, ["INFO New user created: username=rita, route=/pulp/api/v3/login/"]);
  const warm = await api.statementsOf(() => as("rita"));
  assert.deepEqual(warm, [], "a name that was just looked up costs nothing");
});

test("only known names come in where no users are made", async (t) => {
  const { as, users } = await apiWith(t, { AUTHENTICATION_BACKENDS: [KNOWS] });
  assert.equal((await as("admin")).body.username, "admin");
  const stranger = await as("rita");
  assert.equal(stranger.status, 403, "this class has no challenge");
  assert.deepEqual(stranger.body, { detail: "Authentication credentials were not provided." });
  assert.deepEqual(await users(), []);
});

test("without a backend for remote users no header names anybody", async (t) => {
  const backends = ["django.contrib.auth.backends.ModelBackend"];
  const { as } = await apiWith(t, { AUTHENTICATION_BACKENDS: backends });
  assert.equal((await as("admin")).status, 403);
});

test("an inactive user is refused, within five seconds in another process too", async (t) => {
  const { api, as } = await apiWith(t);
  await as("rita");
  await api.ctx.db
    .updateTable("app_user")
    .set({ is_active: false })
    .where("username", "=", "rita")
    .execute();
  let ahead = 0;
  Object.assign(api.ctx.clock, { now: () => Date.now() + ahead });
  ahead = 5001;
  const { status, body } = await as("rita");
  assert.deepEqual([status, body], [403, { detail: "User inactive or deleted." }]);
});

test("with TRUSTED_PROXIES the header is believed from them alone", async (t) => {
  const { api, as } = await apiWith(t, { TRUSTED_PROXIES: ["10.1.0.0/16", "::1"] });
  for (const proxy of [PROXY, "::1", "::ffff:10.1.2.3"]) {
    assert.equal((await as("admin", proxy)).status, 200, proxy);
  }
  for (const address of ["10.2.0.1", "127.0.0.1", "::2"]) {
    assert.equal((await as("admin", address)).status, 403, address);
  }
  // Who comes through a proxy is not the proxy, and who claims to be one is none.
  const claim = { "remote-user": "admin", "x-forwarded-for": PROXY };
  const forged = { user: null, headers: claim, remoteAddress: "192.0.2.1" };
  assert.equal((await api.get("login/", forged)).status, 403);
});

test("names that are none are refused, and what is no name is not there", async (t) => {
  const { api, as, users } = await apiWith(t);
  assert.equal((await as("")).status, 403);
  const utf8 = (text: string) => Buffer.from(text).toString("latin1");
  for (const name of ["x".repeat(513), "a\u0085b", "a\u00ff", utf8("a\u009bb"), "a\tb"]) {
    const { status, body } = await as(name);
    assert.deepEqual([status, body], [403, { detail: "Access denied." }], JSON.stringify(name));
  }
  const names = ["CN=ci bot,O=Example", "rita@example.org", "ümit", "x".repeat(512)];
  for (const name of names) assert.equal((await as(utf8(name))).body.username, name);
  const spelled = { user: null, headers: { remote_user: "admin" } };
  assert.equal((await api.get("login/", spelled)).status, 403, "an underscore is another header");
  assert.equal((await users()).length, names.length);
});

test("a variable of a web server that we do not have names nobody", async (t) => {
  const { as } = await apiWith(t, { REMOTE_USER_ENVIRON_NAME: "REMOTE_USER" });
  assert.equal((await as("admin")).status, 403);
});
