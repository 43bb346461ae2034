import assert from "node:assert/strict";
import { test } from "node:test";
import { localPath } from "#rest/auth/local-path.ts";
import { openBrowser, setCookies } from "../support/browser.ts";
import { ADMIN_PASSWORD, createTestApi, ROOT } from "../support/rest-api.ts";

const PAGE = "/auth/login/";
const RIGHT = { username: "admin", password: ADMIN_PASSWORD };

/** The token inside the form, as a browser sends it back. */
const tokenIn = (html: string): string =>
  /name="csrfmiddlewaretoken" value="([\w-]+)"/.exec(html)?.[1] ?? "";

test("a browser logs in by the form, and out again", async (t) => {
  const api = await createTestApi(t);
  const browser = openBrowser(api);
  const plain = { "x-csrftoken": "" };

  const form = await browser.request("GET", `${PAGE}?next=/pulp/api/v3/users/?limit=1`);
  assert.equal(form.status, 200);
  assert.match(String(form.headers["content-type"]), /^text\/html/);
  assert.match(String(form.headers["content-security-policy"]), /default-src 'none'.*frame-anc/);
  assert.match(form.text, /name="next" value="\/pulp\/api\/v3\/users\/\?limit=1"/);
  const sent = { ...RIGHT, csrfmiddlewaretoken: tokenIn(form.text), next: `${ROOT}users/` };
  const done = await browser.request("POST", PAGE, { form: sent, headers: plain });
  assert.equal(done.status, 302, done.text);
  assert.equal(done.headers.location, `${ROOT}users/`);
  assert.equal((await browser.request("GET", `${ROOT}users/`)).status, 200);

  const token = tokenIn((await browser.request("GET", "/auth/logout/")).text);
  const cookies = new Map(browser.cookies);
  const out = await browser.request("POST", "/auth/logout/", {
    form: { csrfmiddlewaretoken: token },
    headers: plain,
  });
  assert.equal(out.status, 200);
  for (const [name, value] of cookies) browser.cookies.set(name, value);
  assert.equal((await browser.request("GET", `${ROOT}users/`)).status, 401);
});

test("without the token of the form nobody is logged in or out", async (t) => {
  const api = await createTestApi(t);
  const browser = openBrowser(api);
  const bare = await browser.request("POST", PAGE, { form: RIGHT });
  assert.equal(bare.status, 403);
  assert.match(bare.text, /CSRF Failed: CSRF cookie not set\./);
  await browser.request("GET", PAGE);
  const wrong = { ...RIGHT, csrfmiddlewaretoken: "A".repeat(43) };
  const answer = await browser.request("POST", PAGE, { form: wrong });
  assert.equal(answer.status, 403);
  const foreign = { origin: "https://evil.example" };
  assert.equal((await browser.request("POST", "/auth/logout/", { headers: foreign })).status, 403);
  assert.deepEqual(setCookies(answer), []);
});

test("a wrong password, an unknown name and an inactive user look the same, and are limited", async (t) => {
  const api = await createTestApi(t);
  await api.post("users/", { username: "eve", password: "a good long password" });
  await api.request("PATCH", "users/2/", { json: { is_active: false } });
  const browser = openBrowser(api);
  await browser.request("GET", PAGE);
  const attempt = (username: string, password: string) =>
    browser.request("POST", PAGE, { form: { username, password } });

  const texts = new Set<string>();
  for (const [name, password] of [
    ["admin", "no"],
    ["nobody", "no"],
    ["eve", "a good long password"],
    ["", ""],
    ["a\0b", "no"],
    ["admin:", ADMIN_PASSWORD],
  ] as const) {
    const answer = await attempt(name, password);
    assert.equal(answer.status, 403, name);
    texts.add(/role="alert">[^<]*/.exec(answer.text)?.[0] ?? "");
  }
  assert.equal(texts.size, 1);

  for (let at = 0; at < 9; at += 1) await attempt("admin", "no");
  const flooded = await attempt("admin", ADMIN_PASSWORD);
  assert.equal(flooded.status, 429);
  assert.match(String(flooded.headers["retry-after"]), /^\d+$/);
});

test("what a person typed comes back as text, never as markup", async (t) => {
  const api = await createTestApi(t);
  const browser = openBrowser(api);
  const evil = `"><script>alert(1)</script>'&`;
  const shown = await browser.request("GET", `${PAGE}?next=${encodeURIComponent(`/${evil}`)}`);
  const { text } = await browser.request("POST", PAGE, {
    form: { username: evil, password: "x", next: `/${evil}` },
  });

  for (const html of [shown.text, text]) assert.equal(html.includes("<script>"), false);
  assert.match(text, /value="&quot;&gt;&lt;script&gt;/);
});

test("bodies that are none are a clear refusal", async (t) => {
  const api = await createTestApi(t);
  const post = (payload: string | Buffer, type: string) =>
    api.request("POST", PAGE, { user: null, payload, headers: { "content-type": type } });

  assert.equal((await post("{", "application/json")).status, 400);
  assert.equal((await post("a", "text/plain")).status, 415);
  const bytes = Buffer.from([0x61, 0x3d, 0xff]);
  assert.equal((await post(bytes, "application/x-www-form-urlencoded")).status, 400);
  assert.equal(
    (await post("a".repeat(3_000_000), "application/x-www-form-urlencoded")).status,
    413,
  );
  assert.equal((await api.request("DELETE", PAGE, { user: null })).status, 405);
  assert.equal((await api.request("HEAD", PAGE, { user: null })).text, "");
});

test("only paths of ours are led to after a log-in", () => {
  const ours = [
    ["/", "/"],
    ["/pulp/api/v3/?a=b#c", "/pulp/api/v3/?a=b#c"],
    ["/a b/ü", "/a%20b/%C3%BC"],
    ["/a%20b", "/a%20b"],
  ] as const;
  for (const [text, path] of ours) assert.equal(localPath(text), path);

  const others = [
    ...["", "evil", "//evil", "///evil", "/\\evil", "\\\\evil", "/\t/evil", "/\n/evil", "\t//evil"],
    ...["/%2fevil", "/%2Fevil", "/%5cevil", "/%252fevil", "/%09/evil", "/.//evil", "/a/..//evil"],
    ...["javascript:alert(1)", "http://evil", "https:evil", " /a", "/a\r\nSet-Cookie: x", "/%"],
    ...["/\u0000", `/${"a".repeat(3000)}`, "/\u2028\u0085x"],
  ];
  for (const text of others) assert.equal(localPath(text), undefined, JSON.stringify(text));
  for (const value of [undefined, null, 1, ["/"], {}]) assert.equal(localPath(value), undefined);
});

test("a forged path is ignored by the form", async (t) => {
  const api = await createTestApi(t);
  const browser = openBrowser(api);
  for (const next of ["//evil", "/\\evil", "/\t/evil", "/%2fevil", "javascript:alert(1)"]) {
    const form = await browser.request("GET", `${PAGE}?next=${encodeURIComponent(next)}`);
    assert.match(form.text, /name="next" value=""/);
    const done = await browser.request("POST", PAGE, { form: { ...RIGHT, next } });
    assert.equal(done.headers.location, ROOT, next);
  }
});
