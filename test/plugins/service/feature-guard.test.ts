import assert from "node:assert/strict";
import { test } from "node:test";
import { announceAfterCommit } from "#core/distributions/commands.ts";
import { featureGuard } from "#plugins/service/features/guard.ts";
import { service } from "#plugins/service/plugin.ts";
import { createSite } from "../../delivery/site.ts";
import { eventually } from "../../support/eventually.ts";
import { featureService } from "./feature-service.ts";
import { as, below, createService, headersFor, make, serviceSettings, user } from "./support.ts";

const GUARDS = below("default", "contentguards/service/feature/");

test("8.1: a feature guard is made, checked and changed", async (t) => {
  const api = await createService(t);
  const good = { name: "g", header_name: "x-rh-identity", features: ["a", "b"] };
  const bad = [
    [{ ...good, features: [] }, "features"],
    [{ ...good, features: [7] }, "features"],
    [{ ...good, features: undefined }, "features"],
    [{ ...good, header_name: "no header" }, "header_name"],
    [{ ...good, jq_filter: ".[" }, "jq_filter"],
  ] as const;
  for (const [json, field] of bad) {
    const { status, body } = await api.request("POST", GUARDS, { json });
    assert.deepEqual([status, Object.keys(body)], [400, [field]], JSON.stringify(json));
  }
  const href = await make(api, GUARDS, good);
  const read = (await api.get(href)).body;
  assert.deepEqual([read.features, read.jq_filter], [["a", "b"], null]);
  const json = { jq_filter: ".identity.org_id", features: ["c"] };
  const changed = await api.request("PATCH", href, { json });
  assert.deepEqual([changed.status, changed.body.features], [200, ["c"]], changed.text);
  assert.equal(
    (await api.request("POST", GUARDS, { json: good })).status,
    400,
    "the name is taken",
  );
  assert.equal((await api.request("DELETE", href)).status, 204);
});

test("a guard believes no header that no gateway has sent", async (t) => {
  const features = await featureService(t);
  const api = await createService(t, {
    FEATURE_SERVICE_API_URL: features.url,
    TRUSTED_PROXIES: ["10.1.0.0/16"],
  });
  const guards = [
    await make(api, GUARDS, {
      ...{ name: "g", header_name: "X-RH-Identity", jq_filter: ".identity.org_id" },
      features: ["lightwell-network"],
    }),
    await make(api, below("default", "contentguards/core/header/"), {
      ...{ name: "h", header_name: "x-rh-identity", header_value: "7" },
      jq_filter: ".identity.org_id",
    }),
  ];
  for (const [index, content_guard] of guards.entries()) {
    const name = `idx${index}`;
    const repository = await make(api, below("default", "repositories/python/python/"), { name });
    const json = { name, base_path: name, repository, content_guard };
    await make(api, below("default", "distributions/python/pypi/"), json);
    const from = async (remoteAddress: string) =>
      (await api.get(`/pypi/default/${name}/simple/`, as({ org_id: "7" }, { remoteAddress })))
        .status;
    assert.equal(await from("10.1.2.3"), 200);
    assert.equal(await from("192.0.2.1"), 401);
  }
});

test("a download by a known account costs no statement, until the guard changes", async (t) => {
  const features = await featureService(t);
  const more = { FEATURE_SERVICE_API_URL: features.url };
  const api = await createService(t, more);
  const guard = await make(api, GUARDS, {
    ...{ name: "g", header_name: "x-rh-identity", jq_filter: ".identity.org_id" },
    features: ["lightwell-network"],
  });
  const settings = serviceSettings(undefined, more);
  const guards = [featureGuard];
  const site = await createSite(t, { beside: api, settings, guards, plugins: [service] });
  const { id } = await site.rows.published("d", [{ path: "f", bytes: "secret bytes" }]);
  const change = { guard: guard.split("/").at(-2) ?? "" };
  await site.ctx.db.updateTable("distribution").set(change).where("id", "=", id).execute();
  announceAfterCommit(api.ctx, api.domain, [id]);
  const file = "/pulp/content/default/d/f";
  const [member, stranger] = [headersFor(user("kim", "7")), headersFor(user("eve", "8"))];
  const status = async (headers: object) => (await site.get(file, { ...headers })).status;

  assert.deepEqual([await status(member), await status(stranger)], [200, 403]);
  await eventually(async () => {
    const answered = await site.counted(file, { ...member });
    assert.deepEqual([answered.status, answered.statements], [200, 0]);
  });
  assert.equal(await status({}), 403);
  assert.equal(await status({ "x-rh-identity": "rubbish" }), 403);
  assert.equal(await status(stranger), 403);

  features.answer = () => ({ body: { features: [{ name: "other" }] } });
  await api.request("PATCH", guard, { json: { features: ["other"] } });
  await eventually(async () => assert.equal(await status(stranger), 200));
  features.answer = () => ({ body: { features: [] } });
  await api.request("PATCH", guard, { json: { jq_filter: ".identity.user.username" } });
  await eventually(async () => assert.equal(await status(member), 403));
});
