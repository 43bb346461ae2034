import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import type { RequestOptions } from "../../../support/rest-api.ts";
import { featureService } from "../feature-service.ts";
import { ADMIN, ANA, createRepository, FILES } from "../people.ts";
import {
  as,
  below,
  certificate,
  createService,
  makeDomain,
  makeGroup,
  makeIndex,
  STRANGER,
  statuses,
  user,
} from "../support.ts";
import { CONTENT, ENTITLED, lightwellWorld, OTHER, OWNER } from "./lightwell-world.ts";

test("24 Policy class: policies of several domains are independent, by name", async (t) => {
  const features = await featureService(t);
  features.answer = (id) => ({
    body: { features: id === "7" ? [{ name: "a" }] : [{ name: "b" }] },
  });
  const policy = (feature: string) => ({
    subscription_feature: feature,
    subscription_endpoints: ["/api/v3/repositories/file/"],
  });
  const api = await createService(t, {
    FEATURE_SERVICE_API_URL: features.url,
    DOMAIN_ACCESS_POLICIES: { one: policy("a"), two: policy("b") },
  });
  for (const name of ["one", "two", "lightwell"]) await makeDomain(api, name, OWNER);
  const read = async (domain: string, path: string, who: RequestOptions) =>
    (await api.get(below(domain, path), who)).status;
  const path = "repositories/file/file/";
  assert.equal(await read("one", path, ENTITLED), 200);
  assert.equal(await read("two", path, ENTITLED), 401);
  assert.equal(await read("two", path, OTHER), 200);
  assert.equal(await read("one", "repositories/python/python/", ENTITLED), 401, "another address");
  assert.equal(await read("lightwell", "content/file/files/", ENTITLED), 401, "no policy any more");
});

test("24 Policy class: a failing subscription check falls back to the group", async (t) => {
  const { api, features } = await lightwellWorld(t);
  features.answer = () => ({ status: 500, body: "" });
  const reader = as(certificate("/CN=reader", "7"));
  await api.get(below("default", "login/"), reader);
  await makeGroup(api, "Lightwell-ReadOnly", ["/CN=reader"]);
  assert.equal((await api.get(CONTENT, reader)).status, 200);
  assert.equal((await api.get(CONTENT, ENTITLED)).status, 401);
});

test("24 Policy class: superusers pass, GET and HEAD of public domains are open, POST is judged", async (t) => {
  const api = await createService(t);
  await makeDomain(api, "public-ana", ANA);
  await makeDomain(api, "own", ANA);
  const at = (domain: string) => below(domain, FILES);
  assert.deepEqual(
    await statuses({
      "superuser, public": () => createRepository(api, "public-ana", ADMIN),
      "superuser, of somebody": () => createRepository(api, "own", ADMIN),
      "superuser, default": () => createRepository(api, "default", ADMIN),
      "GET, public": () => api.get(at("public-ana"), STRANGER),
      "HEAD, public": () => api.request("HEAD", at("public-ana"), STRANGER),
      "POST, public": () => createRepository(api, "public-ana", STRANGER),
      "GET, of somebody": () => api.get(at("own"), STRANGER),
    }),
    {
      ...{ "superuser, public": 201, "superuser, of somebody": 201, "superuser, default": 201 },
      ...{ "GET, public": 200, "HEAD, public": 200, "POST, public": 401, "GET, of somebody": 401 },
    },
  );
});

test("24 Policy class: an index that is not there is let through, and answers 404 itself", async (t) => {
  const api = await createService(t);
  await makeDomain(api, "own", ANA);
  for (const method of ["GET", "HEAD"]) {
    for (const who of [STRANGER, as(user("eve", "2")), ANA]) {
      const { status } = await api.request(method, "/pypi/own/none/simple/", who);
      assert.equal(status, 404, method);
    }
  }
});

test("24 Policy class: a guard that is none, or that cannot be asked, refuses and is told", async (t) => {
  const api = await createService(t);
  await makeDomain(api, "team-a", ANA);
  const entitled = as(user("kim", "7"));
  const read = async (who: RequestOptions) =>
    (await api.get("/pypi/team-a/guarded/simple/", who)).status;
  await makeIndex(api, "team-a", { name: "guarded", guardedFor: "7" });
  assert.equal(await read(entitled), 200);

  await sql`alter table header_guard rename to away`.execute(api.ctx.db);
  assert.deepEqual([await read(entitled), await read(STRANGER)], [403, 401], "permit throws");
  assert.ok(api.logged.some((line) => /^ERROR [\s\S]*header_guard[\s\S]*\n\s+at /.test(line)));
  assert.equal(await read(ANA), 200, "its tenants do not need the guard");
  await sql`alter table away rename to header_guard`.execute(api.ctx.db);

  await sql`update content_guard set type = 'core.of_nobody'`.execute(api.ctx.db);
  assert.deepEqual([await read(entitled), await read(STRANGER)], [403, 401], "no such guard");
  assert.ok(api.logged.some((line) => line.includes("PyPI access DENIED via content guard")));
});

test("24 Policy class: an index that cannot be looked for lets nobody in, and is told as a failure", async (t) => {
  const api = await createService(t);
  await makeDomain(api, "team-a", ANA);
  await makeIndex(api, "team-a");
  await sql`alter table distribution rename to away`.execute(api.ctx.db);
  for (const who of [STRANGER, as(user("eve", "2"))]) {
    const { status, text } = await api.get("/pypi/team-a/idx/simple/", who);
    assert.equal(status, 500, "neither a page nor a refusal that would hide the defect");
    assert.ok(!text.includes("distribution"), text);
  }
  assert.ok(
    api.logged.some((line) => /^ERROR .*"distribution" does not exist\n\s+at /.test(line)),
    "with its stack",
  );
});
