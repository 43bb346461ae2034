import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { guardHandlers } from "#app/guard-handlers.ts";
import { announceAfterCommit } from "#core/distributions/commands.ts";
import { service } from "#plugins/service/plugin.ts";
import { createSite } from "../../delivery/site.ts";
import { eventually } from "../../support/eventually.ts";
import { formOf, type RequestOptions, type TestApi } from "../../support/rest-api.ts";
import { sdist } from "../python/distributions.ts";
import {
  as,
  below,
  CLASSES,
  certificate,
  createService,
  headersFor,
  make,
  makeDomain,
  makeIndex,
  RBAC,
  STRANGER,
  user,
} from "./support.ts";

const at = (path: string) => below("default", path);
const RULES = at("rh_cert_guard_permission/");
const ACCOUNTS = at("rh_service_account/");
const BOT_DN = "/O=Example/OU=builders/UID=ci-bot";
const ORG_7 = { org_id: "7", user: { username: "kim" } };
const ORG_8 = { org_id: "8", user: { username: "eve" } };
const BOT = certificate(BOT_DN);
const ONE = {
  non_field_errors: [
    "Exactly one of 'subject_dn', 'org_id' or 'service_account' must be specified.",
  ],
};

/** A guard that lets organisation 7 in. */
const makeGuard = (api: TestApi, domain = "default", name = "g") =>
  make(api, below(domain, "contentguards/core/header/"), {
    ...{ name, header_name: "x-rh-identity", header_value: "7", jq_filter: ".identity.org_id" },
  });

/** Files behind the guard, served by another process. */
async function createWorld(t: TestContext) {
  const api = await createService(t);
  const guard = await makeGuard(api);
  const site = await createSite(t, {
    ...{ beside: api, guards: guardHandlers([service]), plugins: [service] },
    settings: { DOMAIN_ENABLED: true },
  });
  const files = ["f", "secret/f", "secrets"].map((path) => ({ path, bytes: path }));
  const { id } = await site.rows.published("d", files);
  const key = guard.split("/").at(-2) ?? "";
  await site.ctx.db.updateTable("distribution").set({ guard: key }).where("id", "=", id).execute();
  await site.rows.changed(id);
  announceAfterCommit(api.ctx, api.domain, [id]);
  const status = async (identity: object | null, path = "f") =>
    (await site.get(`/pulp/content/default/d/${path}`, identity ? headersFor(identity) : {}))
      .status;
  await eventually(async () => assert.equal(await status(null), 403));
  let count = 0;
  return {
    ...{ api, guard, site, status },
    rule: (json: object) => {
      count += 1;
      return make(api, RULES, { name: `rule ${count}`, content_guard: guard, ...json });
    },
    /** What somebody gets, once every process knows of the last change. */
    gets: (expected: number, identity: object | null, path?: string) =>
      eventually(async () => assert.equal(await status(identity, path), expected)),
  };
}

test("9.2: without rules the guard decides", async (t) => {
  const { status } = await createWorld(t);
  assert.equal(await status(ORG_7), 200);
  assert.equal(await status(ORG_8), 403);
  assert.equal(await status(BOT), 403);
});

test("9.2: whoever is allowed needs no guard, and whoever is denied has nothing of it", async (t) => {
  const { api, rule, gets, status } = await createWorld(t);
  const allowed = await rule({ org_id: "8" });
  await gets(200, ORG_8);
  assert.equal(await status(BOT), 403);
  await rule({ subject_dn: "/O=Example/OU=*/UID=ci-*" });
  await gets(200, BOT);
  assert.equal(await status(certificate("/O=Other/OU=builders/UID=ci-bot")), 403);
  assert.equal(await status(null), 403);

  const denied = await rule({ org_id: "7", effect: "deny", path_prefixes: ["/secret/"] });
  await gets(403, ORG_7, "secret/f");
  assert.equal(await status(ORG_7), 200);
  assert.equal(
    await status(ORG_7, "secrets"),
    200,
    "another path that begins with the same letters",
  );
  assert.equal(await status(ORG_8, "secret/f"), 200);
  await rule({ org_id: "8", effect: "deny" });
  await gets(403, ORG_8);

  assert.equal((await api.request("DELETE", denied)).status, 204);
  await gets(200, ORG_7, "secret/f");
  const later = { valid_from: "2999-01-01T00:00:00Z" };
  assert.equal((await api.request("PATCH", allowed, { json: later })).status, 200);
  assert.equal(await status(ORG_8), 403);
});

test("9.2: rules end by their time, by a switch and with their guard", async (t) => {
  const { api, rule, gets, guard } = await createWorld(t);
  await rule({ org_id: "8", valid_until: "2020-01-01T00:00:00Z" });
  await rule({ org_id: "8", actions: ["push"] });
  const off = await rule({ org_id: "8", enabled: false });
  await gets(403, ORG_8);
  await api.request("PATCH", off, { json: { enabled: true } });
  await gets(200, ORG_8);
  await api.request("PATCH", off, { json: { org_id: null, subject_dn: BOT_DN } });
  await gets(403, ORG_8);
  await gets(200, BOT);
  assert.equal((await api.request("DELETE", guard)).status, 204);
  assert.equal((await api.get(RULES)).body.count, 0);
});

test("9.2: a rule about an account holds while the account does", async (t) => {
  const { api, rule, gets, status } = await createWorld(t);
  const account = await make(api, ACCOUNTS, { name: "bot", subject_dn: BOT_DN });
  await rule({ service_account: account });
  await gets(200, certificate("UID=ci-bot,OU=builders,O=Example"));
  assert.equal(await status(certificate("/CN=other")), 403);
  await api.request("POST", `${account}disable/`);
  await gets(403, BOT);
  await api.request("POST", `${account}enable/`);
  await gets(200, BOT);
  await api.request("DELETE", account);
  await gets(403, BOT);
  assert.equal((await api.get(RULES)).body.count, 0, "and goes with it");
});

test("9.2: rules are read once, and what no gateway has said clearly is nobody", async (t) => {
  const { rule, gets, site } = await createWorld(t);
  await rule({ subject_dn: "*" });
  await gets(200, BOT);
  const before = site.statements.length;
  await gets(200, BOT);
  const asked = site.statements.slice(before).filter((text) => /service_guard_rule/.test(text));
  assert.deepEqual(asked, []);
  const path = "/pulp/content/default/d/f";
  for (const sent of ["%%%", "e30=", Buffer.from('{"identity":{"x509":[]}}').toString("base64")])
    assert.equal((await site.get(path, { "x-rh-identity": sent })).status, 403, sent);
});

test("9.2: indexes are behind rules too, by the path that was asked for", async (t) => {
  const api = await createService(t);
  await makeIndex(api, "default", { name: "idx", guardedFor: "7" });
  const { results } = (await api.get(at("contentguards/core/header/"))).body;
  const content_guard = results[0].pulp_href;
  const status = async (path: string, who: RequestOptions) =>
    (await api.get(`/pypi/default/idx/${path}`, who)).status;
  assert.equal(await status("simple/", as(ORG_8)), 403);
  await make(api, RULES, { name: "a", content_guard, org_id: "8", path_prefixes: ["simple"] });
  assert.equal(await status("simple/", as(ORG_8)), 200);
  assert.equal(await status("", as(ORG_8)), 403, "the index itself is not below it");
  assert.equal(await status("simple/", as(BOT)), 403);
  const json = {
    name: "b",
    content_guard,
    org_id: "7",
    effect: "deny",
    path_prefixes: ["simple/x"],
  };
  await make(api, RULES, json);
  assert.equal(await status("simple/", as(ORG_7)), 200);
  assert.equal(await status("simple/x/", as(ORG_7)), 403);
  assert.equal(await status("simple/", STRANGER), 401);
});

test("9.2: a rule keeps a tenant from pushing, and lets no stranger push", async (t) => {
  const api = await createService(t);
  const ana = user("ana", "1");
  await makeDomain(api, "team-a", as(ana));
  await makeIndex(api, "team-a", { name: "idx", guardedFor: "7" });
  const { results } = (await api.get(below("team-a", "contentguards/core/header/"))).body;
  const rules = below("team-a", "rh_cert_guard_permission/");
  const upload = async (version: string, who: RequestOptions) => {
    const { bytes, filename, sha256 } = sdist({ name: "x", version });
    const form = formOf({ ":action": "file_upload", sha256_digest: sha256 }, [
      { name: "content", bytes, filename },
    ]);
    const headers = { ...form.headers, ...who.headers };
    return (await api.request("POST", "/pypi/team-a/idx/legacy/", { ...form, ...who, headers }))
      .status;
  };
  const before = await upload("1", as(ana));
  assert.ok(before < 300, String(before));
  const common = { content_guard: results[0].pulp_href, actions: ["push"] };
  await make(api, rules, { ...common, name: "deny", org_id: "1", effect: "deny" });
  await make(api, rules, { ...common, name: "allow", org_id: "8" });
  assert.equal(await upload("2", as(ana)), 403);
  assert.equal(await upload("2", as(ORG_8)), 403);
  assert.equal((await api.get("/pypi/team-a/idx/simple/", as(ana))).status, 200, "but pulls");
});

test("9.2: fields are checked", async (t) => {
  const api = await createService(t);
  const content_guard = await makeGuard(api);
  const account = await make(api, ACCOUNTS, { name: "bot", subject_dn: BOT_DN });
  const ask = (json: object) =>
    api.request("POST", RULES, { json: { name: "r", content_guard, ...json } });
  const until = { non_field_errors: ["'valid_until' must be later than 'valid_from'."] };
  const time = "2030-01-01T00:00:00Z";
  const refusals = [
    [{}, ONE],
    [{ org_id: "1", subject_dn: "/CN=x" }, ONE],
    [{ org_id: "1", service_account: account }, ONE],
    [{ org_id: "1", valid_from: time, valid_until: time }, until],
    [{ subject_dn: "nobody" }, { subject_dn: ["Enter a distinguished name."] }],
    [{ org_id: "1", effect: "maybe" }, { effect: ['"maybe" is not a valid choice.'] }],
    [{ org_id: "1", actions: [] }, { actions: ["This list may not be empty."] }],
    [{ org_id: "1", actions: ["eat"] }, undefined],
    [{ org_id: "1", path_prefixes: ["a/../b"] }, { path_prefixes: ["'a/../b' is no path."] }],
    [{ org_id: "1", path_prefixes: ["/"] }, { path_prefixes: ["'/' is no path."] }],
    [{ org_id: "1", content_guard: account }, undefined],
    [
      { service_account: content_guard },
      { service_account: ["Invalid hyperlink - No URL match."] },
    ],
    [
      { service_account: account.replace(/[\da-f-]{36}/, "01900000-0000-7000-8000-000000000000") },
      { service_account: ["Invalid hyperlink - Object does not exist."] },
    ],
  ] as const;
  for (const [json, expected] of refusals) {
    const { status, body } = await ask(json);
    assert.equal(status, 400, `${JSON.stringify(json)} ${JSON.stringify(body)}`);
    if (expected) assert.deepEqual(body, expected);
  }
});

test("9.2: rules are shown as they were given, and found by their fields", async (t) => {
  const api = await createService(t, { CERT_GUARD_MAX_RULES: 3 });
  const content_guard = await makeGuard(api);
  const account = await make(api, ACCOUNTS, { name: "bot", subject_dn: BOT_DN });
  const ask = (json: object) =>
    api.request("POST", RULES, { json: { name: "r", content_guard, ...json } });
  const made = await ask({ subject_dn: "UID=*,O=Example", path_prefixes: ["/a/", "b"] });
  assert.equal(made.status, 201, made.text);
  const { pulp_href, prn, pulp_created, pulp_last_updated, ...shown } = made.body;
  assert.match(prn, /^prn:service\.rhcertguardpermission:/);
  assert.ok(pulp_href && pulp_created && pulp_last_updated);
  assert.deepEqual(shown, {
    ...{ name: "r", pulp_labels: {}, content_guard, subject_dn: "UID=*,O=Example" },
    ...{ org_id: null, service_account: null, effect: "allow", actions: ["pull"] },
    ...{ path_prefixes: ["a", "b"], valid_from: null, valid_until: null, enabled: true },
  });
  assert.deepEqual((await ask({ org_id: "1" })).body, { name: ["This field must be unique."] });
  const json = { service_account: `prn:service.rhserviceaccount:${account.split("/").at(-2)}` };
  const ofAccount = await ask({ ...json, name: "s", effect: "deny", enabled: false });
  assert.equal(ofAccount.body.service_account, account);
  assert.equal((await ask({ name: "t", org_id: "1", pulp_labels: { a: "b" } })).status, 201);
  assert.deepEqual((await ask({ name: "u", org_id: "1" })).body, {
    content_guard: ["The content guard has 3 rules already."],
  });
  const clash = await api.request("PATCH", pulp_href, { json: { name: "s" } });
  assert.deepEqual(clash.body, { name: ["This field must be unique."] });
  const two = await api.request("PATCH", pulp_href, { json: { org_id: "1" } });
  assert.deepEqual([two.status, two.body], [400, ONE]);

  const names = async (query: string) => {
    const { body, text } = await api.get(`${RULES}?ordering=name&${query}`);
    assert.ok(body.results, text);
    return body.results.map(({ name }: { name: string }) => name);
  };
  assert.deepEqual(await names(`content_guard=${content_guard}`), ["r", "s", "t"]);
  assert.deepEqual(await names("org_id=1"), ["t"]);
  assert.deepEqual(await names(`subject_dn=${encodeURIComponent("/O=Example/UID=*")}`), ["r"]);
  assert.deepEqual(await names("effect=deny"), ["s"]);
  assert.deepEqual(await names("enabled=false"), ["s"]);
  assert.deepEqual(await names("pulp_label_select=a"), ["t"]);
});

test("9.2: a rule says whether it is about somebody, and why not", async (t) => {
  const api = await createService(t);
  const content_guard = await makeGuard(api);
  const rule = await make(api, RULES, {
    ...{ name: "r", content_guard, subject_dn: "/O=Example/*", effect: "deny" },
    path_prefixes: ["a"],
  });
  const ask = async (json: object) => (await api.request("POST", `${rule}check/`, { json })).body;
  const { matches, effect, reason } = await ask({ subject_dn: BOT_DN, path: "/a/b" });
  assert.deepEqual([matches, effect, typeof reason], [true, "deny", "string"]);
  assert.equal((await ask({ subject_dn: "UID=x,O=Example" })).matches, true, "of no path");
  for (const [json, words] of [
    [{ subject_dn: "/O=Other/CN=x" }, /subject/],
    [{ org_id: "1" }, /subject/],
    [{}, /subject/],
    [{ subject_dn: BOT_DN, path: "ab" }, /prefixes/],
    [{ subject_dn: BOT_DN, action: "push" }, /'push'/],
  ] as const) {
    const answer = await ask(json);
    assert.deepEqual([answer.matches, answer.effect], [false, null], JSON.stringify(json));
    assert.match(answer.reason, words);
  }
  assert.deepEqual(await ask({ action: "eat" }), { action: ['"eat" is not a valid choice.'] });
  await api.request("PATCH", rule, { json: { enabled: false } });
  assert.match((await ask({ subject_dn: BOT_DN })).reason, /disabled/);
});

test("where roles decide, rules are for those who could change the guard", async (t) => {
  const api = await createService(t, {
    REST_FRAMEWORK: {
      DEFAULT_AUTHENTICATION_CLASSES: [CLASSES.basic, CLASSES.terms],
      DEFAULT_PERMISSION_CLASSES: [RBAC],
    },
  });
  const ana = as(user("ana", "1"));
  await api.get(at("login/"), ana);
  const [own, other] = [await makeGuard(api), await makeGuard(api, "default", "other")];
  const { body: users } = await api.get(at("users/?username=1|ana"));
  const give = async (role: string, content_object: string | null = null) => {
    const json = { role, content_object };
    const given = await api.request("POST", `${users.results[0].pulp_href}roles/`, { json });
    assert.equal(given.status, 201, given.text);
  };
  const ask = (content_guard: string) =>
    api.request("POST", RULES, { ...ana, json: { name: "r", content_guard, org_id: "1" } });
  await give("service.rhcertguardpermission_creator");
  assert.equal((await ask(own)).status, 403);
  await give("core.headercontentguard_owner", own);
  const made = await ask(own);
  assert.equal(made.status, 201, made.text);
  const moved = await api.request("PATCH", made.body.pulp_href, {
    ...ana,
    json: { content_guard: other },
  });
  assert.equal(moved.status, 403, "nor to a guard that is not his");
  const changed = await api.request("PATCH", made.body.pulp_href, {
    ...ana,
    json: { enabled: false },
  });
  assert.equal(changed.status, 200, changed.text);
});
