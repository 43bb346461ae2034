import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { RequestOptions, TestApi } from "../../../support/rest-api.ts";
import { featureService } from "../feature-service.ts";
import { as, below, createService, make, STRANGER, user } from "../support.ts";
import { CONTENT, ENTITLED, lightwellWorld } from "./lightwell-world.ts";

const GUARDS = below("default", "contentguards/service/feature/");

test("24 Feature guard: an index for organisations with all of its features", async (t) => {
  const features = await featureService(t);
  const api = await createService(t, { FEATURE_SERVICE_API_URL: features.url });
  const guard = await make(api, GUARDS, {
    ...{ name: "g", header_name: "x-rh-identity", jq_filter: ".identity.org_id" },
    features: ["lightwell-network"],
  });
  const repository = await make(api, below("default", "repositories/python/python/"), {
    name: "r",
  });
  const place = { name: "idx", base_path: "idx", repository, content_guard: guard };
  await make(api, below("default", "distributions/python/pypi/"), place);
  const status = async (who: object) => (await api.get("/pypi/default/idx/simple/", who)).status;
  assert.equal(await status(as(user("kim", "7"))), 200);
  assert.equal(await status(as({ org_id: 7 })), 200, "nobody known, but entitled");
  assert.equal(await status(as(user("eve", "8"))), 403);
  assert.equal(await status(STRANGER), 401);
  assert.equal(await status(as({ user: { username: "lone" } })), 403, "of no organisation");
  assert.deepEqual(features.asked, ["7 lightwell-network", "8 lightwell-network"], "remembered");
});

test("24 Feature guard: what cannot be found out is refused, and not remembered", async (t) => {
  const { api, features } = await lightwellWorld(t);
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
  const { api, features } = await lightwellWorld(t);
  const names = (...list: string[]) => ({ body: { features: list.map((name) => ({ name })) } });
  const lists = { 11: names("lightwell-network", "more"), 12: names("other"), 13: names() };
  features.answer = (id) => lists[id as unknown as keyof typeof lists];
  for (const org_id of ["11", "12", "13", "13"]) {
    const { status } = await api.get(CONTENT, as({ internal: { org_id } }));
    assert.equal(status, 401, org_id);
  }
  assert.equal(features.asked.length, 3, "a no is remembered, too");
});

test("24 Feature guard: many requests at once ask once", async (t) => {
  const { api, features } = await lightwellWorld(t);
  const answers = await Promise.all(Array.from({ length: 20 }, () => api.get(CONTENT, ENTITLED)));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  assert.equal(features.asked.length, 1);
});

/** A service with an index behind a guard by the feature, which also the policy of a domain asks for. */
async function guardedIndex(t: TestContext, more: object = {}) {
  const { api, features } = await lightwellWorld(t, more);
  const guard = await make(api, GUARDS, {
    ...{ name: "g", header_name: "x-rh-identity", jq_filter: ".identity.org_id" },
    features: ["lightwell-network"],
  });
  const repository = await make(api, below("default", "repositories/python/python/"), {
    name: "r",
  });
  const place = { name: "idx", base_path: "idx", repository, content_guard: guard };
  await make(api, below("default", "distributions/python/pypi/"), place);
  return { api, features, status: (who: RequestOptions) => indexStatus(api, who) };
}

const indexStatus = async (api: TestApi, who: RequestOptions): Promise<number> =>
  (await api.get("/pypi/default/idx/simple/", who)).status;

test("24 Feature guard: guard and policy share what they know, over one connection", async (t) => {
  const { api, features, status } = await guardedIndex(t);
  assert.equal(await status(as(user("kim", "7"))), 200);
  assert.equal((await api.get(CONTENT, ENTITLED)).status, 200);
  assert.deepEqual(features.asked, ["7 lightwell-network"], "the policy asks no more");
  assert.equal((await api.get(CONTENT, as({ internal: { org_id: "8" } }))).status, 401);
  assert.equal(await status(as({ org_id: "8" })), 401, "nor does the guard");
  for (const org_id of ["11", "12", "13"]) assert.equal(await status(as({ org_id })), 401);
  assert.equal(features.asked.length, 5);
  assert.equal(features.connections, 1, "one session of the process");
});

test("24 Feature guard: an answer that is over is asked for again", async (t) => {
  const { features, status } = await guardedIndex(t, {
    FEATURE_SERVICE_CACHE_TTL: 1,
    FEATURE_SERVICE_NEGATIVE_TTL: 0,
  });
  const [kim, eve] = [as(user("kim", "7")), as(user("eve", "8"))];
  for (let turn = 0; turn < 2; turn += 1) assert.equal(await status(eve), 403);
  assert.equal(features.asked.length, 2, "a no is not believed for a moment");
  assert.equal(await status(kim), 200);
  features.answer = () => ({ body: { features: [] } });
  await sleep(1100);
  assert.equal(await status(kim), 403);
});

test("24 Feature guard: a slow service and one that is down refuse soon, but who was known goes on", async (t) => {
  const { api, features, status } = await guardedIndex(t, {
    FEATURE_SERVICE_API_READ_TIMEOUT: 0.3,
    FEATURE_SERVICE_CACHE_TTL: 1,
  });
  const kim = as(user("kim", "7"));
  assert.equal(await status(kim), 200);
  await sleep(1100);
  const hanging = Promise.withResolvers<{ readonly body: unknown }>();
  features.answer = () => hanging.promise;
  const began = performance.now();
  assert.equal(await status(as({ org_id: "8" })), 401, "slow");
  assert.ok(
    performance.now() - began < 10_000,
    "long before the five seconds that are the default",
  );
  assert.equal(await status(kim), 200, "what it said within the hour holds");
  hanging.resolve({ body: {} });
  features.stop();
  assert.equal(await status(as({ org_id: "9" })), 401, "down");
  assert.equal(await status(kim), 200);
  assert.ok(api.logged.some((line) => /^WARNING? .*Features of account "9"/.test(line)));
});

test("22: FEATURE_SERVICE_API_*_TIMEOUT bound the connection and the answer each", async (t) => {
  const { api, status } = await guardedIndex(t, {
    FEATURE_SERVICE_API_CONNECT_TIMEOUT: 1.5,
    FEATURE_SERVICE_API_READ_TIMEOUT: 4,
  });
  const client = t.mock.method(api.ctx.http, "client");
  assert.equal(await status(as(user("kim", "7"))), 200);
  const [{ connectTimeoutMs, readTimeoutMs } = {}] = client.mock.calls[0]?.arguments ?? [];
  assert.deepEqual([connectTimeoutMs, readTimeoutMs], [1500, 4000]);
});

test("22: AUTHENTICATION_HEADER_DEBUG tells what a guard was shown, and nothing is told without it", async (t) => {
  for (const isTold of [true, false]) {
    const { api, status } = await guardedIndex(t, { AUTHENTICATION_HEADER_DEBUG: isTold });
    assert.equal(await status(as(user("kim", "7"))), 200);
    const lines = api.logged.filter((line) => line.startsWith("INFO Header of a guard: "));
    assert.equal(lines.length, isTold ? 1 : 0);
    if (isTold) assert.match(lines[0] ?? "", /"username":"kim"/);
  }
});
