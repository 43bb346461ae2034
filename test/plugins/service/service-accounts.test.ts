import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import type { TestApi } from "../../support/rest-api.ts";
import {
  as,
  below,
  certificate,
  createService,
  make,
  makeDomain,
  STRANGER,
  user,
} from "./support.ts";

const ANA = as(user("ana", "1"));
const EVE = as(user("eve", "2"));
const DN = "/O=Example/OU=builders/UID=ci-bot";
const SAME_DN = "UID=CI-bot,OU=builders,O=Example";
const BOT = as(certificate(DN));
const IN_A = below("team-a", "rh_service_account/");
const FILES = below("team-a", "repositories/file/file/");

async function createWorld(t: Parameters<typeof createService>[0], settings = {}) {
  const api = await createService(t, settings);
  await makeDomain(api, "team-a", ANA);
  await makeDomain(api, "team-b", EVE);
  return api;
}

const add = (api: TestApi, json: object, who: object = ANA) =>
  api.request("POST", IN_A, { ...who, json: { name: "bot", subject_dn: DN, ...json } });

async function added(api: TestApi, json: object = {}, who: object = ANA): Promise<string> {
  const { status, text, body } = await add(api, json, who);
  assert.equal(status, 201, text);
  return body.pulp_href;
}

/** What a program gets, by status and text. */
async function visit(api: TestApi, who: object) {
  const { status, body } = await api.get(FILES, who);
  return status === 200 ? 200 : [status, body.detail];
}

const DISABLED = [401, "Service account is disabled."];
const DENIED = [403, "You do not have permission to perform this action."];

test("9.1: an account gives its certificate the domain", async (t) => {
  const api = await createWorld(t);
  assert.deepEqual(await visit(api, BOT), DENIED, "a user by itself can do nothing");
  await api.ctx.db.deleteFrom("app_user").where("username", "=", DN).execute();

  const made = await add(api, { expires_at: null });

  assert.equal(made.status, 201, made.text);
  const { pulp_href, prn, pulp_created, pulp_last_updated, user: href, ...shown } = made.body;
  assert.match(pulp_href, /^\/pulp\/team-a\/api\/v3\/rh_service_account\/[\da-f-]{36}\/$/);
  assert.match(prn, /^prn:service\.rhserviceaccount:/);
  assert.ok(pulp_created && pulp_last_updated);
  assert.deepEqual(shown, {
    ...{ name: "bot", description: null, pulp_labels: {}, subject_dn: DN, org_id: "1" },
    ...{ enabled: true, expires_at: null, domain_access: true, username: DN, last_seen: null },
  });
  assert.equal((await api.get(href)).body.username, DN);
  assert.ok(api.logged.some((line) => line.includes(`New user created: username=${DN}, route=`)));
  assert.equal(await visit(api, BOT), 200);
  assert.equal(await visit(api, as(certificate(SAME_DN))), 200, "however the name is written");
  assert.ok((await api.get(pulp_href, ANA)).body.last_seen);

  const turn = async (json: object) =>
    (await api.request("PATCH", pulp_href, { ...ANA, json })).status;
  assert.equal(await turn({ domain_access: false }), 200);
  assert.deepEqual(await visit(api, BOT), DENIED);
  assert.equal(await turn({ domain_access: true }), 200);
  assert.equal(await visit(api, BOT), 200);
});

test("9.1: an account that is disabled or over refuses its certificate at once", async (t) => {
  const api = await createWorld(t);
  const href = await added(api);
  const ask = (action: string) => api.request("POST", `${href}${action}/`, ANA);
  for (let n = 0; n < 2; n += 1) {
    const { status, body } = await ask("disable");
    assert.deepEqual([status, body.enabled], [200, false]);
    assert.deepEqual(await visit(api, BOT), DISABLED);
    assert.deepEqual(await visit(api, as(certificate(SAME_DN))), DISABLED);
  }
  assert.equal((await ask("enable")).body.enabled, true);
  assert.equal(await visit(api, BOT), 200);
  const until = async (expires_at: string | null) =>
    api.request("PATCH", href, { ...ANA, json: { expires_at } });
  await until("2020-01-01T00:00:00Z");
  assert.deepEqual(await visit(api, BOT), DISABLED);
  await until("2999-01-01T00:00:00Z");
  assert.equal(await visit(api, BOT), 200);
  assert.equal((await until("soon")).status, 400);
});

test("9.1: without an account a certificate is a user, unless accounts are required", async (t) => {
  const api = await createWorld(t);
  assert.deepEqual(await visit(api, BOT), DENIED);
  const strict = await createWorld(t, { RH_SERVICE_ACCOUNT_REQUIRED: true });
  for (const dn of [DN, "no name"])
    assert.deepEqual(await visit(strict, as(certificate(dn))), [401, "Unknown service account."]);
  await added(strict);
  assert.equal(await visit(strict, BOT), 200);
  assert.equal(await visit(strict, as(certificate(DN, "1"))), 200);
  assert.deepEqual(
    await visit(strict, as(certificate(DN, "2"))),
    [401, "Unknown service account."],
    "the same name in another organisation is another program",
  );
});

test("9.1: when an account was last seen is noted every five minutes", async (t) => {
  const api = await createWorld(t);
  const href = await added(api);
  const lastSeen = async () => (await api.get(href, ANA)).body.last_seen;
  await visit(api, BOT);
  const first = await lastSeen();
  const statements = await api.statementsOf(() => visit(api, BOT));
  assert.equal(statements.filter((one) => /set last_seen/.test(one)).length, 0);
  assert.equal(statements.filter((one) => /from service_account/.test(one)).length, 1);
  assert.equal(await lastSeen(), first);
  await sql`update service_account set last_seen = now() - interval '6 minutes'`.execute(
    api.ctx.db,
  );
  await visit(api, BOT);
  assert.ok((await lastSeen()) >= first);
  const count = async (query: string) => (await api.get(`${IN_A}?${query}`, ANA)).body.count;
  assert.equal(await count("last_seen__gt=2020-01-01T00:00:00Z"), 1);
  assert.equal(await count("last_seen__lt=2020-01-01T00:00:00Z"), 0);
});

test("9.1: fields are checked, and unique ones are unique", async (t) => {
  const api = await createWorld(t);
  const href = await added(api, { pulp_labels: { team: "a" } });
  const taken = { subject_dn: ["This field must be unique."] };
  const refusals = [
    [{ name: "other", subject_dn: SAME_DN }, taken],
    [{ subject_dn: "/CN=other" }, { name: ["This field must be unique."] }],
    [{ name: "x", subject_dn: "bot" }, { subject_dn: ["Enter a distinguished name."] }],
    [{ name: "x", subject_dn: "/CN=*" }, { subject_dn: ["Enter a distinguished name."] }],
    [
      { name: "x", subject_dn: "/CN=x", org_id: "2" },
      { org_id: ["Only administrators set the organisation of somebody else."] },
    ],
    [{ name: "x", subject_dn: "/CN=x", expires_at: "x" }, undefined],
    [{ name: "x", subject_dn: "/CN=x", enabled: 7 }, { enabled: ["Must be a valid boolean."] }],
  ] as const;
  for (const [json, expected] of refusals) {
    const { status, body } = await add(api, json);
    assert.equal(status, 400, JSON.stringify(json));
    if (expected) assert.deepEqual(body, expected);
  }
  const inB = below("team-b", "rh_service_account/");
  const json = { name: "bot", subject_dn: DN };
  const foreign = await api.request("POST", inB, { ...EVE, json });
  assert.deepEqual([foreign.status, foreign.body], [400, taken], "among all domains");
  const own = await api.request("POST", inB, { ...EVE, json: { ...json, subject_dn: "/CN=b" } });
  assert.equal(own.status, 201, "names are of their domain");
  const clash = await api.request("PATCH", own.body.pulp_href, {
    ...EVE,
    json: { subject_dn: SAME_DN },
  });
  assert.deepEqual([clash.status, clash.body], [400, taken]);
  assert.equal((await add(api, { name: "o", subject_dn: "/CN=o", org_id: "9" }, {})).status, 201);

  const names = async (query: string) =>
    (await api.get(`${IN_A}?${query}`, ANA)).body.results.map(({ name }: { name: string }) => name);
  assert.deepEqual(await names("org_id=9"), ["o"]);
  assert.deepEqual(await names("enabled=false"), []);
  assert.deepEqual(await names(`subject_dn=${encodeURIComponent(SAME_DN)}`), ["bot"]);
  assert.deepEqual(await names("subject_dn=nothing"), []);
  assert.deepEqual(await names("pulp_label_select=team"), ["bot"]);
  assert.deepEqual(await names("name__startswith=b"), ["bot"]);
  assert.equal((await api.get(IN_A, EVE)).status, 403);
  assert.equal((await api.get(href.replace("/team-a/", "/team-b/"), EVE)).status, 404);
  assert.equal((await api.get(IN_A, STRANGER)).status, 401);
});

test("9.1: an account that is removed leaves an inactive user, whom only its domain revives", async (t) => {
  const api = await createWorld(t);
  const href = await added(api);
  const { user: account } = (await api.get(href, ANA)).body;
  assert.equal((await api.request("DELETE", href, ANA)).status, 204);
  assert.equal((await api.get(account)).body.is_active, false);
  assert.deepEqual(await visit(api, BOT), [401, "User inactive or deleted."]);
  const links = await api.get(below("default", "domain_orgs/"));
  assert.ok(!JSON.stringify(links.body).includes("ci-bot"), links.text);

  const inB = below("team-b", "rh_service_account/");
  const json = { name: "bot", subject_dn: DN };
  assert.equal((await api.request("POST", inB, { ...EVE, json })).status, 400);
  await added(api);
  assert.equal(await visit(api, BOT), 200);

  const other = "/O=Example/CN=new";
  const again = (await api.get(IN_A, ANA)).body.results[0].pulp_href;
  const renamed = await api.request("PATCH", again, { ...ANA, json: { subject_dn: other } });
  assert.deepEqual([renamed.status, renamed.body.username], [200, other]);
  assert.equal(await visit(api, as(certificate(other))), 200);
  assert.deepEqual(await visit(api, BOT), [401, "User inactive or deleted."]);
});

test("nobody takes the program of another organisation by naming its certificate", async (t) => {
  const api = await createWorld(t);
  const bot = as(certificate(DN, "2"));
  const theirs = below("team-b", "repositories/file/file/");
  assert.equal((await api.get(theirs, bot)).status, 200, "of the organisation that has the domain");
  const refused = await add(api, {});
  assert.deepEqual(
    [refused.status, refused.body],
    [400, { subject_dn: ["This field must be unique."] }],
  );
  const admin = await add(api, { subject_dn: "admin" });
  assert.equal(admin.status, 400);

  // Named before it has ever come: that neither stops it nor takes it out of service.
  await api.ctx.db.deleteFrom("app_user").where("username", "=", DN).execute();
  const href = await added(api);
  await api.request("POST", `${href}disable/`, ANA);
  assert.equal((await api.get(theirs, bot)).status, 200);
  assert.equal((await api.request("DELETE", href, ANA)).status, 204);
  assert.equal((await api.get(theirs, bot)).status, 200);
});

test("a user that an administrator has removed does not come back past a disabled account", async (t) => {
  const api = await createWorld(t);
  const href = await added(api);
  await api.request("POST", `${href}disable/`, ANA);
  const { user: account } = (await api.get(href, ANA)).body;
  assert.equal((await api.request("DELETE", account)).status, 204);
  assert.equal((await api.get(href, ANA)).body.user, null);
  assert.deepEqual(await visit(api, BOT), DISABLED);
  await make(api, below("default", "domain_orgs/"), { org_id: "1", domains: ["team-a"] });
  assert.deepEqual(await visit(api, BOT), DISABLED);
});
