import assert from "node:assert/strict";
import { test } from "node:test";
import { hashPassword } from "#core/access/passwords.ts";
import { type Browser, openBrowser, setCookies } from "../support/browser.ts";
import { ADMIN_PASSWORD, createTestApi, ROOT, type TestApi } from "../support/rest-api.ts";

const EVE = "the password of eve";

/** A user who is nobody special, with a hash that is quick to check. */
async function addEve({ ctx }: TestApi): Promise<void> {
  const password = await hashPassword(EVE, { iterations: 1 });
  await ctx.db.insertInto("app_user").values({ username: "eve", password }).execute();
}

/** A browser in which somebody has logged in by a password. */
async function loggedIn(api: TestApi, user = `admin:${ADMIN_PASSWORD}`): Promise<Browser> {
  const browser = openBrowser(api);
  const authorization = `Basic ${Buffer.from(user).toString("base64")}`;
  const answer = await browser.request("POST", "login/", { headers: { authorization } });
  assert.equal(answer.status, 201, answer.text);
  return browser;
}

const sessions = async ({ ctx }: TestApi): Promise<number> =>
  (await ctx.db.selectFrom("session").select("id").execute()).length;

test("a log-in gives a session that is the user until it is ended", async (t) => {
  const api = await createTestApi(t);
  const me = { pulp_href: `${ROOT}users/1/`, prn: "prn:auth.user:1", username: "admin" };

  const answer = await api.request("POST", "login/");
  assert.equal(answer.status, 201);
  assert.deepEqual(answer.body, me);
  const [session = "", token = ""] = setCookies(answer);
  assert.match(session, /^sessionid=[\w-]{43}; HttpOnly; Max-Age=1209600; Path=\/; SameSite=Lax$/);
  assert.match(token, /^csrftoken=[\w-]{43}; Max-Age=1209600; Path=\/; SameSite=Lax$/);

  const browser = await loggedIn(api);
  const read = await browser.request("GET", "login/");
  assert.equal(read.status, 200);
  assert.deepEqual(read.body, me);
  assert.match(String(read.headers.vary), /Cookie/);
  assert.deepEqual((await browser.request("GET", "login/?fields=username")).body, {
    username: "admin",
  });
  assert.equal((await browser.request("HEAD", "login/")).status, 200);
  assert.equal((await browser.request("OPTIONS", "login/")).status, 200);

  const before = new Map(browser.cookies);
  const end = await browser.request("DELETE", "login/");
  assert.equal(end.status, 204);
  assert.match(setCookies(end)[0] ?? "", /^sessionid=""; .*Max-Age=0/);
  for (const [name, value] of before) browser.cookies.set(name, value);
  const after = await browser.request("GET", "login/");
  assert.equal(after.status, 401, "the cookie is worth nothing any more");
  assert.deepEqual(after.body, { detail: "Authentication credentials were not provided." });
});

test("the database knows only the hash of a session, and the log-in is noted", async (t) => {
  const api = await createTestApi(t);
  const browser = await loggedIn(api);
  const secret = browser.cookies.get("sessionid") ?? "";

  const [row] = await api.ctx.db.selectFrom("session").selectAll().execute();
  assert.equal(row?.id.length, 32);
  assert.equal(row.id.toString("base64url") === secret, false);
  const [user] = await api.ctx.db.selectFrom("app_user").select("last_login").execute();
  assert.notEqual(user?.last_login, null);

  await browser.request("POST", "login/");
  assert.notEqual(browser.cookies.get("sessionid"), secret, "a log-in never keeps a session");
  assert.equal(await sessions(api), 1);
});

test("a change by session needs the token that only our pages can read", async (t) => {
  const api = await createTestApi(t);
  const browser = await loggedIn(api);
  const token = browser.cookies.get("csrftoken") ?? "";
  const add = (headers: Record<string, string>) =>
    browser.request("POST", "users/", { json: { username: "x" }, headers });
  const refused = [
    [{ "x-csrftoken": "" }, "CSRF token missing."],
    [{ "x-csrftoken": `${token.slice(1)}A` }, "CSRF token incorrect."],
    [{ cookie: `sessionid=${browser.cookies.get("sessionid")}` }, "CSRF cookie not set."],
    [{ origin: "https://evil.example" }, "Origin checking failed"],
    [{ origin: "null" }, "Origin checking failed"],
  ] as const;

  for (const [headers, why] of refused) {
    const answer = await add(headers);
    assert.equal(answer.status, 403, JSON.stringify(headers));
    assert.ok(answer.body.detail.startsWith(`CSRF Failed: ${why}`), answer.text);
  }
  assert.equal((await api.get("users/")).body.count, 1);

  assert.equal((await add({ origin: "http://deckle.example" })).status, 201);
  assert.equal((await browser.request("GET", "users/")).status, 200, "reading needs no token");
});

test("pages of trusted origins may use a session", async (t) => {
  const settings = { CSRF_TRUSTED_ORIGINS: ["https://*.ui.example", "https://one.example"] };
  const api = await createTestApi(t, { settings });
  const browser = await loggedIn(api);
  const statusFor = async (origin: string) =>
    (await browser.request("POST", "login/", { headers: { origin } })).status;

  assert.equal(await statusFor("https://a.ui.example"), 201);
  assert.equal(await statusFor("https://one.example"), 201);
  assert.equal(await statusFor("http://one.example"), 403);
  assert.equal(await statusFor("https://notui.example"), 403);
});

test("a session ends with the password, with the user's being active, and with its time", async (t) => {
  const api = await createTestApi(t);
  await addEve(api);
  const status = async (browser: Browser) => (await browser.request("GET", "login/")).status;

  const first = await loggedIn(api, `eve:${EVE}`);
  assert.equal(await status(first), 200);
  await api.request("PATCH", "users/2/", { json: { password: "another good password" } });
  assert.equal(await status(first), 401);

  const second = await loggedIn(api, "eve:another good password");
  await api.request("PATCH", "users/2/", { json: { is_active: false } });
  assert.equal(await status(second), 401);
  await api.request("PATCH", "users/2/", { json: { is_active: true } });
  assert.equal(await status(second), 401, "it does not come back to life");

  const third = await loggedIn(api, "eve:another good password");
  await api.ctx.db.updateTable("session").set({ expires: "2001-01-01T00:00:00Z" }).execute();
  assert.equal(await status(third), 401);
});

test("another process notices the end of a session within five seconds", async (t) => {
  const api = await createTestApi(t);
  let ahead = 0;
  const other = await createTestApi(t, { beside: api });
  Object.assign(other.ctx.clock, { now: () => Date.now() + ahead });
  const browser = await loggedIn(api);
  const there = openBrowser(other);
  for (const [name, value] of browser.cookies) there.cookies.set(name, value);

  assert.equal((await there.request("GET", "login/")).status, 200);
  const warm = await other.statementsOf(() => there.request("GET", "login/"));
  assert.deepEqual(warm, [], "a warm session asks nothing");
  await browser.request("DELETE", "login/");
  ahead = 5001;
  assert.equal((await there.request("GET", "login/")).status, 401);
});

test("a password that is not the one any more begins no session, wherever it is still believed", async (t) => {
  const api = await createTestApi(t);
  await addEve(api);
  const other = await createTestApi(t, { beside: api });
  const user = `eve:${EVE}`;
  assert.equal((await other.request("GET", "login/", { user })).status, 200);
  await api.request("PATCH", "users/2/", { json: { password: "another good password" } });

  const late = await other.request("POST", "login/", { user });

  assert.deepEqual([late.status, late.body], [401, { detail: "Invalid username/password." }]);
  assert.equal(await sessions(api), 0);
});

test("users change themselves, and a new password ends their other sessions", async (t) => {
  const api = await createTestApi(t);
  await addEve(api);
  const here = await loggedIn(api, `eve:${EVE}`);
  const there = await loggedIn(api, `eve:${EVE}`);
  const change = (json: object) => here.request("PATCH", "login/", { json });

  const named = await change({ first_name: "Eve", email: "e@x.org", is_superuser: true, id: 9 });
  assert.equal(named.status, 200);
  assert.deepEqual(named.body, {
    username: "eve",
    first_name: "Eve",
    last_name: "",
    email: "e@x.org",
  });
  assert.equal((await change({})).status, 200);

  const fresh = { old_password: EVE, new_password: "quite another password" };
  assert.equal((await change(fresh)).status, 200);
  assert.equal((await here.request("GET", "login/")).status, 200);
  assert.equal((await there.request("GET", "login/")).status, 401);
  const user = "eve:quite another password";
  assert.equal((await api.request("GET", "login/", { user })).status, 200);
  assert.equal((await api.request("GET", "users/", { user })).status, 403);
  const [row] = await api.ctx.db
    .selectFrom("app_user")
    .select(["id", "is_superuser"])
    .where("username", "=", "eve")
    .execute();
  assert.deepEqual(row, { id: 2, is_superuser: false });
});

const REFUSED: readonly (readonly [object, object])[] = [
  [{ username: "admin" }, { username: ["This field must be unique."] }],
  [{ username: "" }, { username: ["This field may not be blank."] }],
  [{ email: "no" }, { email: ["Enter a valid email address."] }],
  [
    { first_name: "x".repeat(151) },
    { first_name: ["Ensure this field has no more than 150 characters."] },
  ],
  [
    { new_password: "a good new password" },
    { non_field_errors: ["Old password is required to update the password."] },
  ],
  [
    { new_password: "a good new password", old_password: "wrong" },
    { non_field_errors: ["Old password is incorrect."] },
  ],
  [
    { new_password: EVE, old_password: EVE },
    { non_field_errors: ["New password cannot be the same as the old password."] },
  ],
  [
    { new_password: "1234567", old_password: EVE },
    {
      non_field_errors: [
        "This password is too short. It must contain at least 8 characters.",
        "This password is too common.",
        "This password is entirely numeric.",
      ],
    },
  ],
];

test("what users may not make of themselves", async (t) => {
  const api = await createTestApi(t);
  await addEve(api);
  const user = `eve:${EVE}`;
  for (const [json, detail] of REFUSED) {
    const { status, body } = await api.request("PATCH", "login/", { json, user });
    assert.equal(status, 400, JSON.stringify(json));
    assert.deepEqual(body, detail);
  }
  assert.equal((await api.request("GET", "login/", { user })).status, 200);
});

test("a flood of guesses does not queue up", async (t) => {
  const api = await createTestApi(t);
  const browser = openBrowser(api);
  await browser.request("GET", "/auth/login/");
  const guess = (at: number) =>
    browser.request("POST", "/auth/login/", { form: { username: `u${at}`, password: "no" } });

  const answers = await Promise.all(Array.from({ length: 30 }, (_, at) => guess(at)));

  const statuses = answers.map(({ status }) => status);
  assert.ok(statuses.filter((status) => status === 403).length <= 8);
  assert.ok(statuses.every((status) => status === 403 || status === 429));
});

test("guessing the old password is slowed down like guessing at the door", async (t) => {
  const api = await createTestApi(t);
  await addEve(api);
  const browser = await loggedIn(api, `eve:${EVE}`);
  const json = { old_password: "wrong", new_password: "a good new password" };
  for (let at = 0; at < 10; at += 1) {
    assert.equal((await browser.request("PATCH", "login/", { json })).status, 400);
  }
  const { status, headers } = await browser.request("PATCH", "login/", { json });
  assert.equal(status, 429);
  assert.match(String(headers["retry-after"]), /^\d+$/);
});

test("cookies are for https only where the request came by it", async (t) => {
  const settings = { TRUSTED_PROXIES: ["127.0.0.1"] };
  const api = await createTestApi(t, { settings });
  const headers = { "x-forwarded-proto": "https" };
  const cookiesFrom = async (remoteAddress: string) =>
    setCookies(await api.request("POST", "login/", { headers, remoteAddress }));

  for (const cookie of await cookiesFrom("127.0.0.1")) assert.match(cookie, /; Secure$/);
  for (const cookie of await cookiesFrom("192.0.2.7")) assert.doesNotMatch(cookie, /Secure/);
});

test("sessions that are none: malformed, unknown, doubled, huge", async (t) => {
  const api = await createTestApi(t);
  const cookies = [
    ...["sessionid=", "sessionid=x", `sessionid=${"A".repeat(43)}`, "sessionid", "=;=;;"],
    ...[`sessionid=${"x".repeat(8000)}`, `a=b; sessionid="${"A".repeat(43)}"`, "sessionid=\u00e9"],
  ];
  for (const cookie of cookies) {
    const { status } = await api.request("GET", "login/", { user: null, headers: { cookie } });
    assert.equal(status, 401, cookie.slice(0, 80));
  }
});

test("credentials in the request come before the cookie of a browser", async (t) => {
  const api = await createTestApi(t);
  await addEve(api);
  const browser = await loggedIn(api);
  const basic = (user: string) => ({
    authorization: `Basic ${Buffer.from(user).toString("base64")}`,
    "x-csrftoken": "",
  });

  const { body } = await browser.request("GET", "login/", { headers: basic(`eve:${EVE}`) });
  assert.equal(body.username, "eve");
  const wrong = await browser.request("GET", "login/", { headers: basic("eve:no") });
  assert.deepEqual(wrong.body, { detail: "Invalid username/password." });
  const bearer = await browser.request("GET", "login/", { headers: { authorization: "Bearer x" } });
  assert.equal(bearer.status, 401);
});
