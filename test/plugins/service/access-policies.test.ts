import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { RequestOptions, TestApi } from "../../support/rest-api.ts";
import { featureService } from "./feature-service.ts";
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
} from "./support.ts";

const ENTITLED = as({ internal: { org_id: "7" } });
const OTHER = as({ internal: { org_id: "8" } });
const OWNER = as(user("ona", "1"));
const READER = as(certificate("/CN=reader"));
const CONTENT = below("lightwell", "content/file/files/");
const FILES = below("lightwell", "repositories/file/file/");

async function world(t: TestContext, more: object = {}) {
  const features = await featureService(t);
  const api = await createService(t, { FEATURE_SERVICE_API_URL: features.url, ...more });
  await makeDomain(api, "lightwell", OWNER);
  await makeDomain(api, "elsewhere", OWNER);
  return { api, features };
}

const reads = (api: TestApi, who: RequestOptions) =>
  statuses({
    content: () => api.get(CONTENT, who),
    repositories: () => api.get(FILES, who),
    create: () => api.request("POST", FILES, { ...who, json: { name: "x" } }),
    upload: () => api.request("POST", CONTENT, { ...who, json: {} }),
    elsewhere: () => api.get(below("elsewhere", "content/file/files/"), who),
  });

test("24 Lightwell: an entitled organisation reads content, and nothing else", async (t) => {
  const { api, features } = await world(t);
  const refused = { repositories: 401, create: 401, upload: 401, elsewhere: 401 };
  assert.deepEqual(await reads(api, ENTITLED), { content: 200, ...refused });
  assert.deepEqual(await reads(api, OTHER), { content: 401, ...refused });
  assert.deepEqual(await reads(api, STRANGER), { content: 401, ...refused });
  const known = as({ ...certificate("/CN=k"), internal: { org_id: "8" } });
  const denied = { repositories: 403, create: 403, upload: 403, elsewhere: 403 };
  assert.deepEqual(await reads(api, known), { content: 403, ...denied }, "known, not entitled");
  assert.equal((await reads(api, OWNER)).repositories, 200, "the owner");
  assert.deepEqual(
    [...new Set(features.asked)],
    ["7 lightwell-network", "8 lightwell-network", "1 lightwell-network"],
  );
});

test("24 Lightwell: the read-only group reads everything there, and nothing elsewhere", async (t) => {
  const { api } = await world(t);
  await api.get(below("default", "login/"), READER);
  await makeGroup(api, "Lightwell-ReadOnly", ["/CN=reader"]);
  await makeIndex(api, "lightwell", { name: "guarded", guardedFor: "9" });
  const { content, repositories, create, upload, elsewhere } = await reads(api, READER);
  assert.deepEqual([content, repositories, create, upload, elsewhere], [200, 200, 403, 403, 403]);
  const index = await api.get("/pypi/lightwell/guarded/simple/", READER);
  assert.equal(index.status, 403, "it passes no guard");
  assert.equal((await api.get(below("lightwell", "users/"), READER)).status, 403);
  const { body } = await api.get(below("default", "domains/"), READER);
  assert.deepEqual(
    body.results.map(({ name }: { name: string }) => name),
    ["lightwell"],
  );
});

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

test("24 Feature guard: what cannot be found out is refused, and not remembered", async (t) => {
  const { api, features } = await world(t);
  const good = features.answer;
  const bad: readonly { readonly status?: number; readonly body: unknown }[] = [
    ...[400, 403, 404, 500].map((status) => ({ status, body: { features: [] } })),
    ...["", "no JSON", "null", "[]", '{"features":7}', '{"features":[7]}', '{"features":[{}]}'].map(
      (body) => ({ body }),
    ),
    { body: `{"features":[{"name":"${"x".repeat(70_000)}"}]}` },
  ];
  for (const answer of bad) {
    features.answer = () => answer;
    assert.equal(
      (await api.get(CONTENT, ENTITLED)).status,
      401,
      JSON.stringify(answer).slice(0, 60),
    );
  }
  assert.equal(features.asked.length, bad.length, "asked each time, and once");
  features.answer = good;
  assert.equal((await api.get(CONTENT, ENTITLED)).status, 200);
  features.answer = () => ({ status: 500, body: "" });
  assert.equal((await api.get(CONTENT, ENTITLED)).status, 200, "known, so not asked");
  assert.equal(features.asked.length, bad.length + 1);
});

test("24 Feature guard: more or other features than wanted are not them", async (t) => {
  const { api, features } = await world(t);
  const names = (...list: string[]) => ({ body: { features: list.map((name) => ({ name })) } });
  const lists = { 11: names("lightwell-network", "more"), 12: names("other"), 13: names() };
  features.answer = (id) => lists[id as unknown as keyof typeof lists];
  for (const org_id of ["11", "12", "13", "13"]) {
    const { status } = await api.get(CONTENT, as({ internal: { org_id } }));
    assert.equal(status, 401, org_id);
  }
  assert.equal(features.asked.length, 3, "a no is remembered, too");
});

test("24 Policy class: a failing subscription check falls back to the group", async (t) => {
  const { api, features } = await world(t);
  features.answer = () => ({ status: 500, body: "" });
  const reader = as(certificate("/CN=reader", "7"));
  await api.get(below("default", "login/"), reader);
  await makeGroup(api, "Lightwell-ReadOnly", ["/CN=reader"]);
  assert.equal((await api.get(CONTENT, reader)).status, 200);
  assert.equal((await api.get(CONTENT, ENTITLED)).status, 401);
});

test("24 Feature guard: many requests at once ask once", async (t) => {
  const { api, features } = await world(t);
  const answers = await Promise.all(Array.from({ length: 20 }, () => api.get(CONTENT, ENTITLED)));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  assert.equal(features.asked.length, 1);
});
