import assert from "node:assert/strict";
import { test } from "node:test";
import { setCookies } from "../../support/browser.ts";
import { ADMIN_PASSWORD } from "../../support/rest-api.ts";
import {
  addUser,
  createSite,
  logIn,
  newPerson,
  PASSWORD,
  person,
  problemIn,
  SITE,
} from "./admin-support.ts";
import { headersFor, saml, user } from "./support.ts";

test("§11: whoever has an account logs in, sees what is for him, and logs out", async (t) => {
  const api = await createSite(t);
  await addUser(api, "mara");
  const mara = person(api);

  const stranger = await mara.get(`${SITE}core/group/?q=a`);
  assert.equal(stranger.status, 302);
  const next = encodeURIComponent(`${SITE}core/group/?q=a`);
  assert.equal(stranger.headers.location, `${SITE}login/?next=${next}`);
  const form = await mara.get(String(stranger.headers.location));
  assert.match(form.text, /<title>Log in \| Pulp administration<\/title>/);
  assert.match(form.text, /name="next" value="\/api\/pulp-mgmt\/core\/group\/\?q=a"/);
  const sent = { username: "mara", password: PASSWORD, next: `${SITE}core/group/?q=a` };
  const back = await mara.done("login/", sent);
  assert.match(back.text, /<h1>Groups<\/h1>/);

  const home = await mara.get("");
  assert.match(home.text, /<title>Pulp administration<\/title>/);
  assert.match(home.text, /Logged in as <strong>mara<\/strong>/);
  for (const path of ["service/domainorg", "core/group", "core/domain"])
    assert.match(home.text, new RegExp(`href="${SITE}${path}/"`));
  for (const path of ["auth/user", "core/task"]) {
    assert.doesNotMatch(home.text, new RegExp(path));
    assert.equal((await mara.get(`${path}/`)).status, 403);
  }

  const cookies = new Map(mara.browser.cookies);
  assert.match((await mara.get("logout/")).text, /<h1>Log out<\/h1>/);
  assert.match((await mara.done("logout/")).text, /You are logged out\./);
  for (const [name, value] of cookies) mara.browser.cookies.set(name, value);
  assert.equal((await mara.get("")).status, 302, "the old cookie is worth nothing");
});

test("pages say what browsers may do with them, and need no script", async (t) => {
  const api = await createSite(t, { STATIC_URL: "/api/pulp/assets/" });
  const admin = await logIn(api, "admin", ADMIN_PASSWORD);
  const { headers, text } = await admin.get("");
  assert.equal(headers["x-frame-options"], "DENY");
  assert.equal(headers["cache-control"], "no-store");
  assert.match(String(headers.vary), /Cookie/);
  assert.equal(
    headers["content-security-policy"],
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  );
  assert.doesNotMatch(text, /<script|<style| style=| on\w+=/);
  const [, sheet = ""] =
    /href="(\/api\/pulp\/assets\/service\/admin\.css\?v=\w+)"/.exec(text) ?? [];
  const style = await person(api).get(sheet);
  assert.equal(style.status, 200);
  assert.equal(style.headers["content-type"], "text/css; charset=utf-8");
  assert.match(String(style.headers["cache-control"]), /max-age/);
  for (const path of [SITE, `${SITE}core/group/`, `${SITE}core/group/1/change/`]) {
    const slashless = await admin.get(path.slice(0, -1));
    assert.deepEqual([slashless.status, slashless.headers.location], [301, path]);
  }
  const nowhere = await admin.get("core/nothing/");
  assert.equal(nowhere.status, 404);
  assert.match(nowhere.text, /<h1>Not found<\/h1>/);
});

test("a wrong password and an inactive user look the same; foreign paths are not led to", async (t) => {
  const api = await createSite(t);
  const id = await addUser(api, "idle");
  await api.ctx.db.updateTable("app_user").set({ is_active: false }).where("id", "=", id).execute();
  const someone = person(api);
  await someone.get("login/");
  const wrong = await someone.send("login/", { username: "admin", password: "no" });
  assert.equal(wrong.status, 403);
  assert.match(problemIn(wrong), /The user name or the password is wrong\./);
  assert.match(wrong.text, /name="username" [^>]*value="admin"/, "the name is still there");
  const idle = await someone.send("login/", { username: "idle", password: PASSWORD });
  assert.equal(problemIn(idle), problemIn(wrong));
  const next = "//evil.example/";
  const sent = { username: "admin", password: ADMIN_PASSWORD, next };
  assert.equal((await someone.send("login/", sent)).headers.location, SITE);
});

test("without the token of a form, or from a foreign page, nothing is done", async (t) => {
  const api = await createSite(t, { CSRF_TRUSTED_ORIGINS: ["https://*.trusted.example"] });
  const admin = await logIn(api, "admin", ADMIN_PASSWORD);
  const add = (form: Record<string, string>, headers: Record<string, string> = {}) =>
    admin.browser.request("POST", `${SITE}core/group/add/`, {
      form: { name: "g", users: "", ...form },
      headers: { "x-csrftoken": "", ...headers },
    });
  const csrfmiddlewaretoken = admin.browser.cookies.get("csrftoken") ?? "";

  for (const form of [{}, { csrfmiddlewaretoken: "A".repeat(43) }]) {
    const refused = await add(form);
    assert.equal(refused.status, 403);
    assert.match(problemIn(refused), /CSRF Failed/);
    assert.match(String(refused.headers["content-type"]), /^text\/html/);
  }
  const foreign = await add({ csrfmiddlewaretoken }, { origin: "https://evil.example" });
  assert.equal(foreign.status, 403);
  assert.equal((await api.get("/pulp/default/api/v3/groups/")).body.count, 0);
  const trusted = await add({ csrfmiddlewaretoken }, { origin: "https://a.trusted.example" });
  assert.equal(trusted.status, 302, problemIn(trusted));
});

test("somebody changes his password, and his other sessions end", async (t) => {
  const api = await createSite(t);
  const mara = await newPerson(api, "mara");
  const elsewhere = await logIn(api, "mara");
  const change = (old: string, first: string, second = first) =>
    mara.send("password_change/", {
      old_password: old,
      new_password1: first,
      new_password2: second,
    });

  assert.match((await mara.get("password_change/")).text, /<h1>Change password<\/h1>/);
  assert.match(problemIn(await change("no", "another good one")), /Old password is incorrect\./);
  assert.match(problemIn(await change(PASSWORD, "a", "b")), /400/);
  assert.match(problemIn(await change(PASSWORD, "12345")), /too short.*numeric/);
  const done = await change(PASSWORD, "another good one");
  assert.equal(done.status, 302, problemIn(done));
  assert.match((await mara.get("")).text, /Your password was changed\./);
  assert.doesNotMatch((await mara.get("")).text, /Your password was changed\./, "told once");
  assert.equal((await elsewhere.get("")).status, 302);
  await logIn(api, "mara", "another good one");
});

test("§12: the header of the gateway opens a session; a cookie that has ended does not stand before it", async (t) => {
  const api = await createSite(t);
  const headers = headersFor(saml("ops@example.org"));
  const get = (more: Record<string, string> = {}) =>
    api.request("GET", SITE, { user: null, headers: { ...headers, ...more } });

  const first = await get();
  assert.equal(first.status, 200, "the first page already");
  assert.match(first.text, /Logged in as <strong>ops@example\.org<\/strong>/);
  assert.ok(setCookies(first).some((line) => line.startsWith("sessionid=")));
  assert.match(api.logged.join("\n"), /User ops@example\.org authenticated for pulp-mgmt/);

  const ended = await get({ cookie: `sessionid=${"A".repeat(43)}` });
  assert.equal(ended.status, 200);
  assert.match(ended.text, /ops@example\.org/);

  for (const identity of [user("mara", "7"), {}, { associate: { email: "" } }]) {
    const answer = await api.request("GET", SITE, { user: null, headers: headersFor(identity) });
    assert.equal(answer.status, 302, "others are strangers");
  }
  const broken = await api.request("GET", SITE, { user: null, headers: { "x-rh-identity": "?" } });
  assert.equal(broken.status, 302);
});

test("a style sheet elsewhere is allowed, and no other", async (t) => {
  const api = await createSite(t, { STATIC_URL: "https://static.example/pulp/" });
  const { text, headers } = await person(api).get("login/");
  assert.match(text, /href="https:\/\/static\.example\/pulp\/service\/admin\.css\?v=/);
  assert.match(String(headers["content-security-policy"]), /style-src https:\/\/static\.example;/);
});

test("Basic credentials are none of a page", async (t) => {
  const api = await createSite(t);
  assert.equal((await api.get(SITE)).status, 302);
});

test("bodies are bounded, and what is no form is refused", async (t) => {
  const api = await createSite(t);
  const admin = await logIn(api, "admin", ADMIN_PASSWORD);
  const cookie = [...admin.browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  const post = (payload: string | Buffer, type: string) =>
    api.request("POST", `${SITE}core/group/add/`, {
      user: null,
      payload,
      headers: { cookie, "content-type": type },
    });
  const form = "application/x-www-form-urlencoded";
  assert.equal((await post("a".repeat(3_000_000), form)).status, 413);
  assert.equal((await post("x", "text/plain")).status, 415);
  assert.equal((await post(Buffer.from([0x61, 0x3d, 0xff]), form)).status, 400);
  assert.equal((await post("{", "application/json")).status, 400);
  const many = new URLSearchParams(
    Array.from({ length: 20_000 }, (_, at): [string, string] => [`f${at}`, ""]),
  );
  assert.ok([400, 413].includes((await post(many.toString(), form)).status));
  const put = await api.request("PUT", SITE, { user: null, headers: { cookie } });
  assert.equal(put.status, 405);
});
