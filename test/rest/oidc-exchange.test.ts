import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Value } from "@sinclair/typebox/value";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { matchesGlob } from "#core/access/glob.ts";
import { accessSettings } from "#platform/config/access-settings.ts";
import type { Settings } from "#platform/config/settings.ts";
import { createOidcIssuer, type OidcIssuer } from "../support/oidc-issuer.ts";
import { createTestApi, type TestApi } from "../support/rest-api.ts";
import { answer } from "../support/upstream.ts";

type Rule = Settings["OIDC_TRUSTED_ISSUERS"][number];

interface Site {
  readonly api: TestApi;
  readonly issuer: OidcIssuer;
  /** Moves the clock of the API. */
  readonly clock: { ms: number };
  exchange(
    token: unknown,
    more?: object,
  ): Promise<{ status: number; detail: string; body: Record<string, unknown> }>;
}

async function createSite(t: TestContext, rule: Partial<Rule> = {}): Promise<Site> {
  const issuer = await createOidcIssuer(t);
  const claims = { repository: "org/app", ref: "refs/heads/*" };
  const entry = { issuer: issuer.url, audience: "deckle", user: "ci", scopes: ["file.*", "read"] };
  const api = await createTestApi(t, {
    settings: { OIDC_TRUSTED_ISSUERS: [{ ...entry, claims, ...rule }] },
  });
  await api.ctx.db.insertInto("app_user").values({ username: "ci", password: "!" }).execute();
  const clock = { ms: 0 };
  Object.assign(api.ctx, { clock: { now: () => Date.now() + clock.ms } });
  return {
    ...{ api, issuer, clock },
    async exchange(token, more = {}) {
      const options = { user: null, json: { token, ...more } };
      const { status, body, text } = await api.request("POST", "tokens/exchange/", options);
      assert.ok(status < 500 || status === 503, text);
      return { status, detail: String(body.detail ?? text), body };
    },
  };
}

const now = () => Math.floor(Date.now() / 1000);

test("a token of a trusted job becomes a token for a quarter of an hour", async (t) => {
  const { api, issuer, exchange } = await createSite(t);

  const { status, body } = await exchange(await issuer.sign(), { audience: "deckle" });
  assert.equal(status, 201, JSON.stringify(body));
  const { token, expires, ...rest } = body;
  assert.deepEqual(rest, { user: "ci", scopes: ["file.*", "read"], domains: null, objects: null });
  const lifetime = Date.parse(String(expires)) - Date.now();
  assert.ok(lifetime > 890_000 && lifetime <= 900_000, String(lifetime));

  const headers = { authorization: `Bearer ${token}` };
  const seen = await api.get("tokens/", { user: null, headers });
  assert.equal(seen.status, 200);
  const [row] = seen.body.results;
  assert.deepEqual([row.user, row.issuer], ["ci", issuer.url]);
  assert.match(row.name, /^127\.0\.0\.1:\d+ repo:org\/app:ref:refs\/heads\/main [0-9a-f]{16}$/);
});

test("a token is exchanged once, also by fifty at a time", async (t) => {
  const { issuer, exchange } = await createSite(t);
  const token = await issuer.sign();

  const answers = await Promise.all(Array.from({ length: 50 }, () => exchange(token)));
  assert.equal(answers.filter(({ status }) => status === 201).length, 1);
  const others = answers.filter(({ status }) => status !== 201);
  for (const { status, detail } of others) {
    assert.equal(status, 401);
    assert.match(detail, /exchanged before/);
  }
  const withoutId = await issuer.sign({ jti: undefined } as never);
  assert.equal((await exchange(withoutId)).status, 201);
  assert.equal((await exchange(withoutId)).status, 401);
  assert.equal(issuer.upstream.asked("/keys").length, 1, "keys are kept");
});

test("a token that is not as it should be is refused with the reason", async (t) => {
  const { issuer, exchange } = await createSite(t);
  const foreign = await generateKeyPair("RS256");
  const forge = (header: object, key: Parameters<SignJWT["sign"]>[0] = foreign.privateKey) =>
    new SignJWT({ iss: issuer.url, aud: "deckle", iat: now(), exp: now() + 60 })
      .setProtectedHeader({ alg: "RS256", kid: "1", ...header })
      .sign(key);
  const jwk = await exportJWK(foreign.publicKey);
  const good = await issuer.sign();
  const [head = "", claims = "", signature = ""] = good.split(".");
  const none = Buffer.from('{"alg":"none"}').toString("base64url");
  const part = (text: string) => Buffer.from(text).toString("base64url");
  const twice = part(`{"iss":"x","iss":"${issuer.url}"}`);
  const secret = new TextEncoder().encode(await issuer.publicKey());

  const cases: readonly (readonly [string, string, RegExp])[] = [
    ["no token", "dkl_abc", /no signed JSON web token/],
    ["dots", ".".repeat(10_000), /no signed JSON web token/],
    ["no JSON", `${head}.${part("no")}.${signature}`, /no signed JSON web token/],
    ["null", `${head}.${part("null")}.${signature}`, /no issuer/],
    ["claims twice", `${head}.${twice}.${signature}`, /repeated/],
    ["alg none", `${none}.${claims}.`, /no signed JSON web token/],
    ["alg none, signed", `${none}.${claims}.${signature}`, /algorithm/],
    ["signed by the public key", await forge({ alg: "HS256" }, secret), /algorithm/],
    ["another key", await forge({}), /signature/],
    ["its own key", await forge({ jwk }), /signature/],
    ["its own key set", await forge({ jku: `${issuer.url}/evil` }), /signature/],
    ["a key id that is a path", await forge({ kid: "../../dev/null" }), /no key of its id/],
    [
      "changed",
      `${head}.${claims}.${signature.replace(/^./, (c) => (c === "A" ? "B" : "A"))}`,
      /sign/,
    ],
    ["another audience", await issuer.sign({ aud: "other" }), /'aud'/],
    ["another issuer", await issuer.sign({ iss: "https://evil.example" }), /OIDC_TRUSTED_ISSUERS/],
    ["expired", await issuer.sign({ exp: now() - 61 }), /expired/],
    ["not yet", await issuer.sign({ nbf: now() + 120 }), /'nbf'/],
    ["of the future", await issuer.sign({ iat: now() + 120 }), /future/],
    ["without an end", await issuer.sign({ exp: undefined } as never), /'exp'/],
    ["for ages", await issuer.sign({ exp: 1e300 }), /more than a day/],
  ];
  for (const [what, token, reason] of cases) {
    const { status, detail } = await exchange(token);
    assert.equal(status, 401, `${what}: ${detail}`);
    assert.match(detail, reason, what);
  }
  assert.deepEqual(issuer.upstream.asked("/evil"), []);
  assert.equal((await exchange(good)).status, 201);
  const leeway = await issuer.sign({ exp: now() - 50, iat: now() + 50, nbf: now() + 50 });
  assert.equal((await exchange(leeway)).status, 201, "clocks may differ by a minute");
});

test("a body that is no token is a mistake of the client", async (t) => {
  const { exchange, issuer } = await createSite(t);
  for (const token of [undefined, null, 5, "", "x".repeat(16_385), ["a"]]) {
    const { status, body } = await exchange(token);
    assert.deepEqual([status, Object.keys(body)], [400, ["token"]]);
  }
  const { status, detail } = await exchange(await issuer.sign(), { audience: "another" });
  assert.equal(status, 401);
  assert.match(detail, /no such audience/);
});

test("claims that no rule fits, and a user that is not there, are forbidden", async (t) => {
  const { api, issuer, exchange } = await createSite(t);
  for (const claims of [
    { repository: "org/other" },
    { repository: "org/app2" },
    { ref: "refs/tags/refs/heads/x" },
    { repository: undefined },
    { repository: { name: "org/app" } },
  ]) {
    const { status, detail } = await exchange(await issuer.sign(claims as never));
    assert.deepEqual([status, /No rule/.test(detail)], [403, true], JSON.stringify(claims));
  }
  assert.equal((await exchange(await issuer.sign({ repository: ["x", "org/app"] }))).status, 201);

  await api.ctx.db
    .updateTable("app_user")
    .set({ is_active: false })
    .where("username", "=", "ci")
    .execute();
  const { status, detail } = await exchange(await issuer.sign());
  assert.deepEqual([status, /missing or inactive/.test(detail)], [403, true]);
});

test("a new key is found by its id, and an unknown id asks the issuer now and then only", async (t) => {
  const { issuer, exchange, clock } = await createSite(t);
  assert.equal((await exchange(await issuer.sign())).status, 201);
  await issuer.rotate();
  clock.ms += 11_000;

  assert.equal((await exchange(await issuer.sign())).status, 201);
  const asked = issuer.upstream.asked("/keys").length;
  for (let round = 0; round < 5; round += 1) {
    const { status } = await exchange(await issuer.sign({}, { kid: `none-${round}` }));
    assert.equal(status, 401);
  }
  assert.equal(issuer.upstream.asked("/keys").length, asked);
});

const FAULTS: Readonly<
  Record<string, readonly [string, Parameters<OidcIssuer["upstream"]["on"]>[1]]>
> = {
  "is down": ["/.well-known/openid-configuration", answer.status(503)],
  "is another": [
    "/.well-known/openid-configuration",
    answer.file('{"issuer":"https://other.example","jwks_uri":"https://other.example/keys"}'),
  ],
  "says nothing that is JSON": ["/.well-known/openid-configuration", answer.file("<html>")],
  "has no key set": ["/keys", answer.file("[]")],
  "sends without end": ["/keys", answer.file(" ".repeat(300_000))],
};

for (const [what, [path, fault]] of Object.entries(FAULTS)) {
  test(`an issuer that ${what} is a passing trouble, and is asked again later`, async (t) => {
    const { api, issuer, exchange, clock } = await createSite(t);
    issuer.upstream.on(path, fault);

    const token = await issuer.sign();
    const { status, detail } = await exchange(token);
    assert.deepEqual([status, detail.includes(token)], [503, false], detail);
    const asked = issuer.upstream.requests.length;
    assert.equal((await exchange(token)).status, 503);
    assert.equal(issuer.upstream.requests.length, asked, "not at once");
    assert.ok(api.logged.some((line) => line.startsWith("WARNING The keys of the issuer")));

    clock.ms += 11_000;
    await exchange(token);
    assert.ok(issuer.upstream.requests.length > asked);
  });
}

test("keys outlive an outage of the issuer for an hour", async (t) => {
  const { issuer, exchange, clock } = await createSite(t);
  assert.equal((await exchange(await issuer.sign())).status, 201);
  issuer.upstream.on("/keys", answer.status(500));
  const later = (minutes: number) => issuer.sign({ exp: now() + minutes * 60 + 60 });

  clock.ms = 50 * 60_000;
  assert.equal((await exchange(await later(50))).status, 201);
  clock.ms = 61 * 60_000;
  assert.equal((await exchange(await later(61))).status, 503);
});

test("a pattern fits whole texts, in a time that its length limits", () => {
  for (const text of ["", "a", "a/b"]) assert.equal(matchesGlob("*", text), true);
  for (const [pattern, text] of [
    ["refs/heads/*", "refs/heads/feature/x"],
    ["a*b*c", "a1b2b3c"],
    ["**", "x"],
  ] as const)
    assert.equal(matchesGlob(pattern, text), true, pattern);
  for (const [pattern, text] of [
    ["org/app", "org/app2"],
    ["org/app", "xorg/app"],
    ["a*b", "abc"],
    ["a.c", "abc"],
    ["", "a"],
  ] as const)
    assert.equal(matchesGlob(pattern, text), false, pattern);
  assert.equal(matchesGlob(`${"*a".repeat(50)}b`, "a".repeat(16_000)), false);
});

test("a rule that would let in everybody, or reads keys off an open wire, stops the start", () => {
  const { schema, check } = accessSettings.OIDC_TRUSTED_ISSUERS;
  const entry = { audience: "deckle", user: "ci", scopes: ["read"], claims: { sub: "a" } };
  const problem = (more: object) => {
    const value = [{ issuer: "https://ci.example", ...entry, ...more }];
    return Value.Check(schema, value) ? check(value as never) : "another form";
  };

  assert.equal(problem({}), undefined);
  assert.equal(problem({ issuer: "http://[::1]:80" }), undefined);
  assert.match(String(problem({ issuer: "http://ci.example" })), /must be an https address/);
  assert.match(String(problem({ issuer: "http://127.0.0.1.evil.example" })), /must be an https/);
  assert.match(String(problem({ claims: { sub: "*" } })), /fit every token/);
  for (const more of [{ claims: {} }, { scopes: [] }, { lifetime: 3601 }, { typo: 1 }])
    assert.equal(problem(more), "another form");
});
