import assert from "node:assert/strict";
import { test } from "node:test";
import { certguard } from "#plugins/certguard/plugin.ts";
import { createIdentity } from "../../support/certificates.ts";
import { createTestApi } from "../../support/rest-api.ts";

const ca = createIdentity("CA");
const other = createIdentity("other");

for (const [type, model] of [
  ["x509", "x509certguard"],
  ["rhsm", "rhsmcertguard"],
] as const) {
  const path = `contentguards/certguard/${type}/`;

  test(`${type} guards are made, shown, changed and removed`, async (t) => {
    const api = await createTestApi(t, { shipped: [certguard] });
    const bundle = `Our CA\n${ca.cert}\n${other.cert}`;
    const made = await api.post(path, { name: "c", ca_certificate: bundle });
    assert.equal(made.status, 201, made.text);
    const { pulp_href: href, prn, ...rest } = made.body;
    assert.equal(made.headers.location, href);
    assert.equal(prn, `prn:certguard.${model}:${href.split("/").at(-2)}`);
    assert.deepEqual(
      { ...rest, pulp_created: "", pulp_last_updated: "" },
      {
        ...{ pulp_created: "", pulp_last_updated: "", name: "c", description: null },
        ca_certificate: bundle.trim(),
      },
    );

    const json = { description: "d", ca_certificate: other.cert };
    const patched = await api.request("PATCH", href, { json });
    assert.deepEqual([patched.status, patched.body.ca_certificate], [200, other.cert.trim()]);
    const put = { name: "e", ca_certificate: ca.cert };
    const { body } = await api.request("PUT", href, { json: put });
    assert.deepEqual([body.name, body.ca_certificate], ["e", ca.cert.trim()]);
    const { results } = (await api.get(`contentguards/?pulp_type=certguard.${type}`)).body;
    assert.deepEqual(
      results.map(({ prn }: { prn: string }) => prn),
      [prn],
    );
    assert.equal((await api.get(`${path}?name__startswith=e`)).body.count, 1);
    assert.equal((await api.get(`${href}list_roles/`)).status, 404);
    assert.equal((await api.request("DELETE", href)).status, 204);
    assert.equal((await api.get(href)).status, 404);
    const left = await api.ctx.db.selectFrom("content_guard").select("id").execute();
    assert.deepEqual(left, []);
  });

  test(`${type} guards want certificates in PEM`, async (t) => {
    const api = await createTestApi(t, { shipped: [certguard] });
    const lone = "-----BEGIN CERTIFICATE-----\nAAAA\n";
    for (const wrong of [
      "text",
      lone,
      `${lone}-----END CERTIFICATE-----`,
      `${ca.cert}${lone}`,
      `${ca.cert}${ca.key}`,
      ca.key,
      ca.cert.replace("MII", "MIJ"),
      ca.cert.replaceAll("CERTIFICATE", "TRUSTED CERTIFICATE"),
    ]) {
      const { status, body } = await api.post(path, { name: "x", ca_certificate: wrong });
      assert.equal(status, 400, wrong);
      assert.deepEqual(body, { ca_certificate: ["Must be PEM encoded X.509 certificate."] });
    }
    const many = await api.post(path, { name: "x", ca_certificate: ca.cert.repeat(101) });
    assert.deepEqual(many.body, {
      ca_certificate: ["Ensure this field has no more than 100 certificates."],
    });
    assert.deepEqual((await api.post(path, { name: "x" })).body, {
      ca_certificate: ["This field is required."],
    });
    assert.deepEqual((await api.post(path, { name: "x", ca_certificate: "" })).body, {
      ca_certificate: ["This field may not be blank."],
    });
    const { pulp_href: href } = (await api.post(path, { name: "x", ca_certificate: ca.cert })).body;
    const json = { ca_certificate: "text" };
    assert.equal((await api.request("PATCH", href, { json })).status, 400);
  });
}

test("only administrators see certificate guards", async (t) => {
  const api = await createTestApi(t, { shipped: [certguard] });
  await api.post("users/", { username: "eve", password: "good enough for eve" });
  for (const type of ["x509", "rhsm"]) {
    const path = `contentguards/certguard/${type}/`;
    assert.equal((await api.get(path, { user: "eve:good enough for eve" })).status, 403);
    assert.equal((await api.get(path, { user: null })).status, 401);
  }
});
