import assert from "node:assert/strict";
import { test } from "node:test";
import { ADMIN_PASSWORD, type TestApi } from "../../support/rest-api.ts";
import { addUser, createSite, logIn, newPerson, problemIn, SITE } from "./admin-support.ts";
import { below } from "./support.ts";

const ACQUIRE = "/api/pulp/hijack/acquire/";
const RELEASE = "/api/pulp/hijack/release/";

const trail = async (api: TestApi, operation: string) =>
  api.ctx.db
    .selectFrom("audit_entry")
    .select(["username", "authenticated_by", "operation", "object_prn", "outcome"])
    .where("operation", "like", operation)
    .orderBy("created")
    .execute();

test("§11: a superuser acts as another user, is told so, and is himself again", async (t) => {
  const api = await createSite(t);
  const admin = await logIn(api, "admin", ADMIN_PASSWORD);
  const id = await addUser(api, "mara");
  const secret = admin.browser.cookies.get("sessionid");

  assert.match((await admin.get(`auth/user/${id}/change/`)).text, /name="user_pk" value="\d+"/);
  const acting = await admin.done(ACQUIRE, { user_pk: String(id), next: `${SITE}core/group/` });
  assert.match(acting.text, /<h1>Groups<\/h1>/);
  assert.match(acting.text, /<strong>admin<\/strong> and act as <strong>mara<\/strong>/);
  assert.match(acting.text, /You act as mara\./);
  assert.notEqual(admin.browser.cookies.get("sessionid"), secret);
  assert.equal((await admin.get("auth/user/")).status, 403, "with her rights");
  assert.equal((await admin.get("password_change/")).status, 403);
  const form = {
    old_password: "a password of the tests",
    new_password1: "n e w pw",
    new_password2: "n e w pw",
  };
  assert.equal((await admin.send("password_change/", form)).status, 403, "not her password");

  await admin.done("core/group/add/", { name: "hers", users: "mara" });
  const login = below("default", "login/");
  assert.equal((await admin.browser.request("GET", login)).body.username, "mara");
  const begun = await admin.browser.request("POST", login, { json: {} });
  assert.equal(begun.status, 403, "and no session of hers that would last");
  const token = { name: "t", scopes: ["*"] };
  const tokens = await admin.browser.request("POST", below("default", "tokens/"), { json: token });
  assert.equal(tokens.status, 403, "nor a token");

  const released = await admin.done(RELEASE);
  assert.match(released.text, /You are yourself again\./);
  assert.match(released.text, /Logged in as <strong>admin<\/strong>/);
  assert.doesNotMatch(released.text, /Acting as another user/);
  assert.equal((await admin.get("auth/user/")).status, 200);

  const prn = `prn:auth.user:${id}`;
  const common = { object_prn: prn, outcome: "done" };
  assert.deepEqual(await trail(api, "hijack%"), [
    { ...common, operation: "hijack_acquire", username: "admin", authenticated_by: "session" },
    {
      ...common,
      operation: "hijack_release",
      username: "mara",
      authenticated_by: "session of admin",
    },
  ]);
  const [made] = await trail(api, "pulp_mgmt_core_group_add");
  assert.equal(made?.username, "mara");
  assert.equal(made?.authenticated_by, "session of admin", "the trail names both");
  const history = await admin.get(`auth/user/${id}/history/`);
  assert.match(history.text, /hijack_acquire/);
  assert.deepEqual(
    api.logged.filter((line) => line.includes("auth.")),
    [
      `INFO auth.login user=admin class=form route=${SITE}login/`,
      `INFO auth.hijack user=admin class=session as=mara route=${ACQUIRE}`,
      `INFO auth.hijack user=admin class=session released=mara route=${RELEASE}`,
    ],
  );
});

test("nobody else acts as anybody, nor as himself, nor as two", async (t) => {
  const api = await createSite(t);
  const admin = await logIn(api, "admin", ADMIN_PASSWORD);
  const mara = await newPerson(api, "mara");
  const idle = await addUser(api, "idle");
  const second = await addUser(api, "second");
  const users = api.ctx.db.updateTable("app_user");
  await users.set({ is_active: false }).where("id", "=", idle).execute();
  await users.set({ is_superuser: true }).where("id", "=", second).execute();

  assert.equal((await mara.send(ACQUIRE, { user_pk: "1" })).status, 403);
  assert.equal((await mara.send(RELEASE)).status, 400);
  assert.equal((await admin.send(RELEASE)).status, 400);
  for (const user_pk of ["1", String(idle)]) {
    const answer = await admin.send(ACQUIRE, { user_pk });
    assert.equal(answer.status, 400, user_pk);
    assert.match(problemIn(answer), /active user other than oneself/);
  }
  for (const user_pk of ["", "x", "999", "1 or 1=1"])
    assert.equal((await admin.send(ACQUIRE, { user_pk })).status, 404, user_pk);
  const away = { user_pk: String(second), next: "https://evil.example" };
  assert.equal((await admin.send(ACQUIRE, away)).headers.location, SITE);
  assert.equal(
    (await admin.send(ACQUIRE, { user_pk: String(mara.id) })).status,
    400,
    "one at a time",
  );
});

test("links act only with the token of the browser", async (t) => {
  const api = await createSite(t);
  const admin = await logIn(api, "admin", ADMIN_PASSWORD);
  const id = await addUser(api, "mara");
  const link = (token: string) =>
    admin.get(`${ACQUIRE}?user_pk=${id}&csrfmiddlewaretoken=${token}`);

  assert.equal((await link("")).status, 403);
  assert.equal((await link("A".repeat(43))).status, 403);
  assert.match((await admin.get("")).text, /Logged in as <strong>admin</);
  assert.equal((await link(admin.browser.cookies.get("csrftoken") ?? "")).status, 302);
  assert.match((await admin.get("")).text, /act as <strong>mara</);
  assert.equal((await admin.get(RELEASE)).status, 403);
  const token = admin.browser.cookies.get("csrftoken");
  assert.equal((await admin.get(`${RELEASE}?csrfmiddlewaretoken=${token}`)).status, 302);
  const outcomes = (await trail(api, "hijack%")).map(({ outcome }) => outcome);
  assert.deepEqual(
    outcomes,
    ["denied", "denied", "done", "denied", "done"],
    "links are audited too",
  );
});

test("what a superuser does as another ends with his own rights", async (t) => {
  const api = await createSite(t);
  const ends = [{ is_superuser: false }, { is_active: false }] as const;
  for (const [at, end] of ends.entries()) {
    const boss = await addUser(api, `boss-${at}`);
    const users = api.ctx.db.updateTable("app_user");
    await users.set({ is_superuser: true }).where("id", "=", boss).execute();
    const acting = await logIn(api, `boss-${at}`);
    const mara = await addUser(api, `mara-${at}`);
    await acting.done(ACQUIRE, { user_pk: String(mara) });
    await users.set(end).where("id", "=", boss).execute();
    // Another change makes the process look again at once.
    await api.request("POST", below("default", "groups/"), { json: { name: `g-${at}` } });
    assert.equal((await acting.get("")).status, 302, JSON.stringify(end));
  }
  const boss = await addUser(api, "boss");
  await api.ctx.db
    .updateTable("app_user")
    .set({ is_superuser: true })
    .where("id", "=", boss)
    .execute();
  const acting = await logIn(api, "boss");
  await acting.done(ACQUIRE, { user_pk: String(await addUser(api, "mara")) });
  const password = "a new one for the boss";
  const changed = await api.request("PATCH", below("default", `users/${boss}/`), {
    json: { password },
  });
  assert.equal(changed.status, 200, changed.text);
  assert.equal((await acting.get("")).status, 302, "a new password ends it too");
});
