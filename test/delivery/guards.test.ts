import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { hashPassword } from "#core/access/passwords.ts";
import { announceAfterCommit } from "#core/distributions/commands.ts";
import { signedPath } from "#core/guards/queries.ts";
import { redirectKey, signatureProblem, signedAddress } from "#core/guards/rules.ts";
import { coreGuardHandlers } from "#delivery/guards/core-guards.ts";
import type { Settings } from "#platform/config/settings.ts";
import { eventually } from "../support/eventually.ts";
import { createTestApi, type TestApi } from "../support/rest-api.ts";
import { createSite, type Site } from "./site.ts";

const CP = "/pulp/content/";
const SECRET = "a secret of the tests";
const settings = { SECRET_KEY: SECRET };

interface Guarded {
  readonly api: TestApi;
  /** Another process on the same database. */
  readonly site: Site;
  /** Makes a guard and puts it before the file. */
  protect(type: string, json: object): Promise<string>;
  /** Status of the file, warm and with the headers given. */
  status(headers?: Record<string, string>): Promise<number>;
}

async function guarded(t: TestContext, more: Partial<Settings> = {}): Promise<Guarded> {
  const all = { ...settings, ...more };
  const api = await createTestApi(t, { settings: all });
  const site = await createSite(t, { beside: api, settings: all, guards: coreGuardHandlers });
  const { id } = await site.rows.published("d", [{ path: "f", bytes: "secret bytes" }]);
  assert.equal((await site.get(`${CP}d/f`)).status, 200);
  return {
    api,
    site,
    async protect(type, json) {
      const { body, text } = await api.post(`contentguards/core/${type}/`, { name: type, ...json });
      const guard = body.prn?.split(":")[2];
      assert.ok(guard, text);
      await site.ctx.db.updateTable("distribution").set({ guard }).where("id", "=", id).execute();
      await site.rows.changed(id);
      announceAfterCommit(api.ctx, api.domain, [id]);
      await eventually(async () => assert.equal((await site.get(`${CP}d/f`)).status, 403));
      return body.pulp_href;
    },
    status: async (headers = {}) => (await site.get(`${CP}d/f`, headers)).status,
  };
}

/** Statements of a warm request; caches may still be told of what came before. */
const costs = (site: Site, request: Parameters<Site["counted"]>, statements: number) =>
  eventually(async () => {
    const answered = await site.counted(...request);
    assert.deepEqual([answered.status, answered.statements], [200, statements]);
  });

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const basic = (credentials: string) => ({ authorization: `Basic ${base64(credentials)}` });
const idOf = (href: string): string => href.split("/").at(-2) ?? "";

test("a header guard permits the one value, and a changed value at once", async (t) => {
  const { api, site, protect, status } = await guarded(t);
  const href = await protect("header", { header_name: "X-Key", header_value: "sésame" });
  const pass = { "x-key": base64("sésame") };

  for (let round = 0; round < 2; round += 1) {
    assert.equal(await status(pass), 200);
    for (const wrong of [
      "",
      "sésame",
      base64("sesame"),
      `${base64("sésame")}=`,
      base64("sésame\n"),
    ])
      assert.equal(await status({ "x-key": wrong }), 403, wrong);
  }
  const refused = await site.get(`${CP}d/f`);
  assert.equal(refused.body.toString(), "403: Access denied.");
  assert.equal(refused.headers["www-authenticate"], undefined);
  const both = { "x-key": [pass["x-key"], base64("other")] as unknown as string };
  assert.equal(await status(both), 403);
  const same = { "x-key": [pass["x-key"], pass["x-key"]] as unknown as string };
  assert.equal(await status(same), 403);

  await api.request("PATCH", href, { json: { header_value: "other" } });
  assert.equal(await status(pass), 403);
  assert.equal(await status({ "x-key": base64("other") }), 200);
  await costs(site, [`${CP}d/f`, { "x-key": base64("other") }], 1);
});

test("a header guard with a filter looks into JSON, and never breaks", async (t) => {
  const { api, site, protect, status } = await guarded(t);
  const href = await protect("header", {
    ...{ header_name: "X-RH-Identity", header_value: "44" },
    jq_filter: ".identity.org_id",
  });
  const sent = (text: string | Buffer) => ({
    "x-rh-identity": Buffer.from(text).toString("base64"),
  });
  const org = (org_id: unknown) => sent(JSON.stringify({ identity: { org_id } }));

  for (const id of ["44", 44]) assert.equal(await status(org(id)), 200);
  const refused = [
    ...["45", "", null, true, { id: "44" }, ["44"], "44\n"].map(org),
    ...["44", "", "{", "[]", "null", '{"identity":"44"}', '{"identity":{"org_id":"44"}'].map(sent),
    sent("[".repeat(3000) + "]".repeat(3000)),
    sent(Buffer.from([0x22, 0xff, 0xfe, 0x22])),
    sent(`"${"x".repeat(9000)}"`),
    { "x-rh-identity": `${org("44")["x-rh-identity"]}!` },
    { "x-rh-identity": JSON.stringify({ identity: { org_id: "44" } }) },
  ];
  for (const headers of refused) {
    assert.equal(await status(headers), 403, headers["x-rh-identity"].slice(0, 80));
  }
  await costs(site, [`${CP}d/f`, org("44")], 1);

  for (const program of ["empty", 'error("44")', ".identity.org_id[0]"]) {
    await api.request("PATCH", href, { json: { jq_filter: program } });
    assert.equal(await status(org("44")), 403, program);
  }
  await api.request("PATCH", href, { json: { jq_filter: "def f: f; f" } });
  assert.equal(await status(org("44")), 403, "a program without end is stopped");
});

test("a refused request learns nothing: neither HEAD, nor ranges, nor what is missing", async (t) => {
  const { site, protect } = await guarded(t);
  await protect("header", { header_name: "X-Key", header_value: "v" });
  const answers = [];
  for (const path of ["d/f", "d/none", "d/", "d"])
    answers.push(await site.get(CP + path, { range: "bytes=0-1", "if-none-match": "*" }));

  for (const { status, body, headers } of answers) {
    assert.equal(status, 403);
    assert.equal(body.toString(), "403: Access denied.");
    assert.equal(headers.etag, undefined);
    assert.equal(headers["last-modified"], undefined);
  }
  assert.equal((await site.head(`${CP}d/f`)).status, 403);
});

test("a deleted guard leaves its files to everybody", async (t) => {
  const { api, site, protect } = await guarded(t);
  const href = await protect("header", { header_name: "X-Key", header_value: "v" });
  await api.request("DELETE", href);
  await eventually(async () => assert.equal((await site.get(`${CP}d/f`)).status, 200));
  await costs(site, [`${CP}d/f`], 0);
});

test("a composite permits what one member permits, in order, also through others", async (t) => {
  const { api, site, protect, status } = await guarded(t);
  const make = async (name: string) =>
    (
      await api.post("contentguards/core/header/", {
        ...{ name, header_name: `x-${name}`, header_value: name },
      })
    ).body.pulp_href;
  const [one, two] = [await make("one"), await make("two")];
  const inner = await api.post("contentguards/core/composite/", { name: "inner", guards: [two] });
  const href = await protect("composite", { guards: [one, inner.body.pulp_href] });

  assert.equal(await status({ "x-one": base64("one") }), 200);
  assert.equal(await status({ "x-two": base64("two") }), 200);
  assert.equal(await status({ "x-one": base64("two") }), 403);
  const text = (await site.get(`${CP}d/f`)).body.toString();
  assert.match(text, /^403: Access forbidden\. Refusals: \["one \(\S+\/header\/\S+\/, \w+/);
  assert.ok(text.includes(one) && text.includes(two));

  await api.request("PATCH", inner.body.pulp_href, { json: { guards: [one] } });
  assert.equal(await status({ "x-two": base64("two") }), 403);
  await api.request("PATCH", href, { json: { guards: [] } });
  assert.equal(await status(), 200, "without members everything is permitted");
});

test("composites in a circle end, and refuse", async (t) => {
  const { api, site, protect, status } = await guarded(t);
  const make = async (type: string, json: object) =>
    (await api.post(`contentguards/core/${type}/`, json)).body.pulp_href;
  const header = await make("header", { name: "h", header_name: "x", header_value: "v" });
  const inner = await make("composite", { name: "inner", guards: [header] });
  const outer = await protect("composite", { guards: [inner] });
  const [composite, guard] = [idOf(inner), idOf(outer)];
  const member = { domain: api.domain.num, composite, guard, position: -1 };
  await api.ctx.db.insertInto("composite_guard_member").values(member).execute();

  const text = (await site.get(`${CP}d/f`)).body.toString();
  assert.equal(text.split("Access denied.").length, 3, text);
  assert.equal(await status({ x: base64("v") }), 200);
});

test("a signed address opens its own path until it ends", async (t) => {
  const { site, protect } = await guarded(t);
  const guard = idOf(await protect("content_redirect", {}));
  const target = signedPath(site.ctx, guard, `${CP}d/f`) ?? "";
  const status = async (path: string) => {
    const { status: code, body } = await site.get(path);
    return code === 200 ? 200 : body.toString();
  };

  for (let round = 0; round < 2; round += 1) {
    assert.equal(await status(target), 200);
    assert.equal(await status(target.replace("d/f", "%64/f")), 200);
    for (const forged of [
      `${CP}d/f`,
      target.replace("d/f", "d/g"),
      target.replace("expires=", "expires=9"),
      target.replace("?", "?a=b&"),
      `${target}&a=b`,
      target.replace(/.$/, (last) => (last === "0" ? "1" : "0")),
      target.replace(/:.*$/, ":"),
      signedPath(site.ctx, "another guard", `${CP}d/f`) ?? "",
    ])
      assert.equal(await status(forged), "403: Access not authenticated", forged);
  }
  const key = redirectKey(SECRET, guard) ?? Buffer.alloc(0);
  const expires = Math.floor(Date.now() / 1000) - 1;
  const late = signedAddress(`${CP}d/f`, { key, salt: Buffer.from("salt"), expires });
  assert.equal(await status(late), "403: Authentication expired");
  await costs(site, [target], 0);
});

test("without a secret of the server nothing is signed and nothing passes", () => {
  assert.equal(redirectKey("", "guard"), undefined);
  const key = redirectKey(SECRET, "guard") ?? Buffer.alloc(0);
  const how = { key, salt: Buffer.from("s"), expires: 100 };
  const target = signedAddress("/a b/ü", how);
  assert.ok(target.startsWith("/a%20b/%C3%BC?expires=100&validate_token=73:"));
  assert.equal(signatureProblem(target, { key, nowS: 100 }), undefined);
  assert.equal(signatureProblem(target, { key, nowS: 101 }), "Authentication expired");
  assert.equal(signatureProblem("/%zz?expires=1", { key, nowS: 0 }), "Access not authenticated");
});

const REFUSED = "403: Authentication credentials were not provided.";

async function withPeople(t: TestContext, more: Partial<Settings> = {}) {
  const world = await guarded(t, more);
  const { api } = world;
  const password = await hashPassword("pass of eve", { iterations: 1 });
  const eve = await api.ctx.db
    .insertInto("app_user")
    .values({ username: "eve", password })
    .returning("id")
    .executeTakeFirstOrThrow();
  const crew = await api.ctx.db
    .insertInto("app_group")
    .values({ name: "crew" })
    .returning("id")
    .executeTakeFirstOrThrow();
  const href = await world.protect("rbac", {});
  const role = "core.rbaccontentguard_downloader";
  return { ...world, eve: eve.id, crew: crew.id, href, role };
}

test("an RBAC guard permits by role on the guard, until it is taken", async (t) => {
  const { api, site, status, href, role } = await withPeople(t);
  const eve = basic("eve:pass of eve");

  for (const headers of [
    {},
    eve,
    basic("eve:wrong"),
    basic("nobody:x"),
    { authorization: "Basic" },
  ]) {
    const { status: code, body, headers: sent } = await site.get(`${CP}d/f`, headers);
    assert.deepEqual([code, body.toString()], [403, REFUSED]);
    assert.equal(sent["www-authenticate"], undefined);
  }
  await api.post(`${href}add_role/`, { role, users: ["eve"] });
  assert.equal(await status(eve), 200);
  assert.equal(await status(basic("eve:wrong")), 403);
  assert.equal(await status(basic("admin:admin of the tests")), 200, "superusers pass");
  await costs(site, [`${CP}d/f`, eve], 1);
  assert.equal(await status({ authorization: "Bearer x" }), 403);

  await api.post(`${href}remove_role/`, { role, users: ["eve"] });
  assert.equal(await status(eve), 403);
});

test("an RBAC guard permits by group, and by roles that hold everywhere", async (t) => {
  const { api, status, eve: id, crew, href, role } = await withPeople(t);
  const eve = basic("eve:pass of eve");
  await api.ctx.db.insertInto("group_member").values({ app_group: crew, app_user: id }).execute();
  await api.post(`${href}add_role/`, { role, groups: ["crew"] });
  assert.equal(await status(eve), 200);
  await api.ctx.db.deleteFrom("group_member").execute();
  assert.equal(await status(eve), 403);

  const { num } = await api.ctx.db
    .selectFrom("role")
    .select("num")
    .where("name", "=", role)
    .executeTakeFirstOrThrow();
  const assignment = { id: crypto.randomUUID(), subject: id, role: num, kind: null, object: null };
  const give = (domain: number | null) =>
    api.ctx.db
      .insertInto("role_assignment")
      .values({ ...assignment, domain })
      .execute();
  await give(null);
  assert.equal(await status(eve), 200);
  await api.ctx.db.deleteFrom("role_assignment").where("id", "=", assignment.id).execute();
  await give(api.domain.num);
  assert.equal(await status(eve), 403, "no domains, no roles of domains");
});

test("a user whom another process changes is asked anew", async (t) => {
  const { api, status, eve: id, href, role } = await withPeople(t);
  await api.post(`${href}add_role/`, { role, users: ["eve"] });
  assert.equal(await status(basic("eve:pass of eve")), 200);
  const change = (json: object) => api.request("PATCH", `users/${id}/`, { json });

  await change({ is_active: false });
  assert.equal(await status(basic("eve:pass of eve")), 403);
  await change({ is_active: true });
  assert.equal(await status(basic("eve:pass of eve")), 200);
  const password = await hashPassword("new pass of eve", { iterations: 1 });
  await api.ctx.db.updateTable("app_user").set({ password }).where("id", "=", id).execute();
  assert.equal(await status(basic("eve:pass of eve")), 403);
  assert.equal(await status(basic("eve:new pass of eve")), 200);
  await api.request("DELETE", `users/${id}/`);
  assert.equal(await status(basic("eve:new pass of eve")), 403);
});

/** Refusals of one address that end further tries with the same name. */
const MOST_FAILURES = 10;

for (const proxies of [["127.0.0.1", "10.1.0.0/16"], []]) {
  const isTrusted = proxies.length > 0;
  test(`failures count by client ${isTrusted ? "behind a trusted proxy" : "and nobody says which"}`, async (t) => {
    const { api, status, href, role } = await withPeople(t, { TRUSTED_PROXIES: proxies });
    await api.post(`${href}add_role/`, { role, users: ["eve"] });
    const from = (forwarded: string, password: string) =>
      status({ ...basic(`eve:${password}`), "x-forwarded-for": forwarded });

    for (let n = 0; n < MOST_FAILURES; n += 1) {
      assert.equal(await from("203.0.113.9, 10.1.2.3", "wrong"), 403);
    }

    assert.equal(await from("203.0.113.9", "pass of eve"), 403, "the same client");
    assert.equal(await from("6.6.6.6, 203.0.113.9", "pass of eve"), 403, "with another name");
    assert.equal(await from("203.0.113.10", "pass of eve"), isTrusted ? 200 : 403, "another");
  });
}

test("guards write no secret into the log", async (t) => {
  const { site, api, status } = await withPeople(t);
  await status(basic("eve:wrong secret"));
  await status(basic("eve:pass of eve"));
  const lines = [...site.logged, ...api.logged].join("\n");
  assert.ok(!/pass of eve|wrong secret/.test(lines));
  assert.ok(!lines.includes(SECRET));
});
