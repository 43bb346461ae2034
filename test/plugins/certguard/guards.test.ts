import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { announceAfterCommit } from "#core/distributions/commands.ts";
import { coreGuardHandlers } from "#delivery/guards/core-guards.ts";
import { certguard } from "#plugins/certguard/plugin.ts";
import { createSite, type SiteOptions } from "../../delivery/site.ts";
import { createIdentity, type Identity } from "../../support/certificates.ts";
import { eventually } from "../../support/eventually.ts";
import { createTestApi } from "../../support/rest-api.ts";
import { packedEntitlement, writtenEntitlement } from "./support/entitlement.ts";

const CP = "/pulp/content/";

/** One line, as a proxy sends it that may not break lines. */
const inOneLine = ({ cert }: Identity) => ({ "x-client-cert": cert.trim().replaceAll("\n", " ") });
const quoted = ({ cert }: Identity) => ({ "x-client-cert": encodeURIComponent(cert) });

async function guarded(t: TestContext, settings: SiteOptions["settings"] = {}) {
  const api = await createTestApi(t, { shipped: [certguard] });
  const guards = [...coreGuardHandlers, ...(certguard.guards ?? [])];
  const site = await createSite(t, { beside: api, settings, guards, plugins: [certguard] });
  const files = ["f", "os/f", "debug/f"].map((path) => ({ path, bytes: `of ${path}` }));
  const { id } = await site.rows.published("d", files);
  return {
    api,
    site,
    async protect(type: string, json: object): Promise<string> {
      const { body, text } = await api.post(`contentguards/${type}/`, { name: type, ...json });
      const guard = body.prn?.split(":")[2];
      assert.ok(guard, text);
      await site.ctx.db.updateTable("distribution").set({ guard }).where("id", "=", id).execute();
      await site.rows.changed(id);
      announceAfterCommit(api.ctx, api.domain, [id]);
      const top = settings.DOMAIN_ENABLED ? "default/d/f" : "d/f";
      await eventually(async () => assert.equal((await site.get(CP + top)).status, 403));
      return body.pulp_href;
    },
    /** The reason of a refusal, or the file. */
    async ask(headers: Record<string, string>, path = "d/f"): Promise<string> {
      const { status, body } = await site.get(CP + path, headers);
      assert.ok(status === 200 || status === 403, String(status));
      return body.toString().replace("403: ", "");
    },
  };
}

const UNSIGNED = "Client certificate is not signed by the stored 'ca_certificate'.";
const EXPIRED = "Client certificate is expired.";
const ELSEWHERE = "Requested path is not a subpath of a path in the client certificate.";

test("a certificate of the authority permits in each form that proxies send", async (t) => {
  const { protect, ask } = await guarded(t);
  const ca = createIdentity("CA");
  const client = createIdentity("client", { issuer: ca });
  await protect("certguard/x509", { ca_certificate: ca.cert });
  const { cert } = client;
  const lines = cert.trim().split("\n");

  for (const value of [
    inOneLine(client)["x-client-cert"],
    encodeURIComponent(cert),
    encodeURI(cert),
    lines.join("\t"),
    lines.slice(1, -1).join(""),
    `${lines.join(" ")} ${ca.cert.trim().replaceAll("\n", " ")}`,
  ])
    assert.equal(await ask({ "x-client-cert": value }), "of f", value);
});

test("every refusal tells its reason, and garbage is refused", async (t) => {
  const { site, protect, ask } = await guarded(t);
  const ca = createIdentity("CA");
  await protect("certguard/x509", { ca_certificate: ca.cert });
  const client = createIdentity("client", { issuer: ca });
  const missing = "A client certificate was not received via the `X-CLIENT-CERT` header.";

  assert.equal(await ask({}), missing);
  assert.equal(await ask({ "x-client-cert": "" }), missing);
  const twice = [quoted(client), quoted(client)].map((header) => header["x-client-cert"]);
  assert.match(await ask({ "x-client-cert": twice as unknown as string }), /^More than one client/);
  assert.equal(
    await ask(quoted(createIdentity("client", { issuer: createIdentity("CA") }))),
    UNSIGNED,
  );
  assert.equal(await ask(quoted(createIdentity("itself"))), UNSIGNED);
  assert.equal(await ask(quoted(createIdentity("old", { issuer: ca, expired: true }))), EXPIRED);
  const early = createIdentity("early", { issuer: ca, years: [1, 2] });
  assert.equal(await ask(quoted(early)), "Client certificate is not valid yet.");
  for (const garbage of [
    "garbage",
    "%",
    "%ff%fe",
    "-----BEGIN CERTIFICATE-----",
    "-----BEGIN CERTIFICATE----- AAAA -----END CERTIFICATE-----",
    "-----BEGIN PRIVATE KEY----- AAAA -----END PRIVATE KEY-----",
    encodeURIComponent(client.key),
    encodeURIComponent(client.cert).slice(0, 200),
    quoted(client)["x-client-cert"].replace("MII", "MIJ"),
    "A".repeat(12_000),
  ])
    assert.match(await ask({ "x-client-cert": garbage }), /does not hold an X\.509 certificate/);
  const long = await site.get(`${CP}d/f`, { "x-client-cert": "A".repeat(17_000) });
  assert.equal(long.status, 431);
});

test("the chain goes through intermediates of the field, and obeys their constraints", async (t) => {
  const { api, protect, ask } = await guarded(t);
  const root = createIdentity("root");
  const middle = createIdentity("middle", { issuer: root, authority: true, pathLength: 0 });
  const low = createIdentity("low", { issuer: middle, authority: true });
  const leaf = createIdentity("leaf", { issuer: root });
  const old = createIdentity("old", { issuer: root, authority: true, expired: true });
  const narrow = createIdentity("narrow", {
    ...{ issuer: root, authority: true },
    extensions: [{ oid: "2.5.29.30", critical: true, value: Buffer.from([0x30, 0]) }],
  });
  const other = createIdentity("other");
  const all = [other, leaf, low, old, narrow, middle, root]
    .map(({ cert }) => cert)
    .join("# more\n");
  const href = await protect("certguard/x509", { ca_certificate: all });
  const by = (issuer: Identity, more = {}) => quoted(createIdentity("c", { issuer, ...more }));
  const strange = { oid: "1.2.3.4", value: Buffer.from([5, 0]) };

  for (const issuer of [root, middle, other]) assert.equal(await ask(by(issuer)), "of f");
  assert.equal(await ask(by(low)), UNSIGNED, "middle has no room for low");
  assert.equal(await ask(by(leaf)), UNSIGNED, "leaf is no authority");
  assert.equal(await ask(by(old)), EXPIRED);
  assert.equal(await ask(by(narrow)), UNSIGNED);
  assert.equal(await ask(quoted(leaf)), "of f", "held itself");
  assert.equal(await ask(by(root, { extensions: [strange] })), "of f");
  assert.equal(await ask(by(root, { extensions: [{ ...strange, critical: true }] })), UNSIGNED);
  assert.equal(await ask(by(root, { extensions: [strange, strange] })), UNSIGNED);

  const client = by(middle);
  for (const [held, answer] of [
    [middle, "of f"],
    [root, UNSIGNED],
    [createIdentity("root"), UNSIGNED],
  ] as const) {
    await api.request("PATCH", href, { json: { ca_certificate: held.cert } });
    assert.equal(await ask(client), answer, "a change holds for the next request");
  }
});

test("post-quantum certificates are judged like others", async (t) => {
  const { protect, ask } = await guarded(t);
  const [old, young] = [createIdentity("old"), createIdentity("young", { algorithm: "ml-dsa-44" })];
  await protect("certguard/x509", { ca_certificate: `${old.cert}${young.cert}` });

  for (const issuer of [old, young]) {
    const client = createIdentity("client", { issuer, algorithm: "ml-dsa-44" });
    assert.equal(await ask(quoted(client)), "of f");
  }
  const stranger = createIdentity("young", { algorithm: "ml-dsa-44" });
  assert.equal(await ask(quoted(createIdentity("client", { issuer: stranger }))), UNSIGNED);
});

test("an accepted certificate costs one statement, until it ends", async (t) => {
  const { site, protect, ask } = await guarded(t);
  const ca = createIdentity("CA");
  const client = quoted(createIdentity("client", { issuer: ca }));
  await protect("certguard/x509", { ca_certificate: ca.cert });
  assert.equal(await ask(client), "of f");
  await eventually(async () => {
    const { status, statements } = await site.counted(`${CP}d/f`, client);
    assert.deepEqual([status, statements], [200, 1]);
  });

  const years = 7 * 366 * 24 * 3_600_000;
  t.mock.method(site.ctx.clock, "now", () => Date.now() + years);
  assert.equal(await ask(client), EXPIRED);
});

test("an entitlement permits its own paths only", async (t) => {
  const { site, protect, ask } = await guarded(t);
  const ca = createIdentity("CA");
  await protect("certguard/rhsm", { ca_certificate: ca.cert });
  for (const entitle of [writtenEntitlement, packedEntitlement]) {
    const of = (...paths: string[]) =>
      quoted(createIdentity("host", { issuer: ca, extensions: entitle(paths) }));

    const some = of("/elsewhere/$releasever", "/d/os", "/d/$arch/g");
    assert.equal(await ask(some, "d/os/f"), "of os/f");
    for (const path of ["d/f", "d/debug/f", "d/"]) assert.equal(await ask(some, path), ELSEWHERE);
    assert.equal((await site.get(`${CP}d/os`, some)).status, 301);
    assert.equal((await site.get(`${CP}d/os/../debug/f`, some)).status, 404);
    assert.equal((await site.get(`${CP}d/os%2f..%2fdebug/f`, some)).status, 404);
    assert.equal(await ask(some, "d/%6fs/f"), "of os/f");
    assert.equal(await ask(of("/d/$arch"), "d/debug/f"), "of debug/f");
    assert.equal(await ask(of("/d"), "d/f"), "of f");
    assert.equal(await ask(of("/"), "d/f"), entitle === writtenEntitlement ? "of f" : ELSEWHERE);
    assert.equal(await ask(of(), "d/f"), ELSEWHERE);
    assert.equal(await ask(of("/pulp/content/d"), "d/f"), ELSEWHERE);
  }
  const junk = [{ oid: "1.3.6.1.4.1.2312.9.6", value: Buffer.from([1, 2, 3]) }];
  assert.equal(
    await ask(quoted(createIdentity("host", { issuer: ca, extensions: junk }))),
    ELSEWHERE,
  );
  assert.equal(
    await ask(quoted(createIdentity("host", { issuer: createIdentity("CA") }))),
    UNSIGNED,
  );
});

test("with domains on, entitled paths begin with the domain", async (t) => {
  const { protect, ask } = await guarded(t, { DOMAIN_ENABLED: true });
  const ca = createIdentity("CA");
  await protect("certguard/rhsm", { ca_certificate: ca.cert });
  const of = (path: string) =>
    quoted(createIdentity("host", { issuer: ca, extensions: packedEntitlement([path]) }));

  assert.equal(await ask(of("/default/d"), "default/d/f"), "of f");
  assert.equal(await ask(of("/d"), "default/d/f"), ELSEWHERE);
});

test("composites hold certificate guards, and say what those refuse", async (t) => {
  const { api, protect, ask } = await guarded(t);
  const ca = createIdentity("CA");
  const { body } = await api.post("contentguards/certguard/x509/", {
    ...{ name: "x", ca_certificate: ca.cert },
  });
  await protect("core/composite", { guards: [body.pulp_href] });

  assert.equal(await ask(quoted(createIdentity("client", { issuer: ca }))), "of f");
  const refused = await ask(quoted(createIdentity("itself")));
  assert.equal(
    refused,
    `Access forbidden. Refusals: ["x (${body.pulp_href}, X509CertGuard): ${UNSIGNED}"]`,
  );
});
