import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type FeatureService, featureService } from "../plugins/service/feature-service.ts";
import { as, below, createService, makeDomain, user } from "../plugins/service/support.ts";
import { withDatabases } from "./support/database.ts";
import { type RedisServer, startRedis } from "./support/redis.ts";

withDatabases();

const HASH = "PULP_FEATURE_CONTENTGUARD_CACHE";
const FEATURE = "lightwell-network";
const CONTENT = below("lightwell", "content/file/files/");
const fieldOf = (account: string) =>
  createHash("sha256").update(`${account}-${FEATURE}`).digest("hex");
const of = (org_id: string) => as({ internal: { org_id } });

/** A process of the service that remembers nothing yet. */
async function site(t: TestContext, redis: RedisServer, features: FeatureService) {
  const settings = { FEATURE_SERVICE_API_URL: features.url, CACHE_ENABLED: true };
  const api = await createService(t, settings, { redis: redis.client });
  await makeDomain(api, "lightwell", as(user("ona", "1")));
  const status = async (org: string) => (await api.get(CONTENT, of(org))).status;
  return { status };
}

const stored = async (redis: RedisServer, account: string) => {
  const limit = Date.now() + 20_000;
  for (;;) {
    const text = await redis.client.send("HGET", HASH, fieldOf(account));
    if (typeof text === "string") return JSON.parse(text);
    assert.ok(Date.now() < limit, "nothing was stored");
    await sleep(20);
  }
};

test("24 Feature guard: processes share answers in Redis; what is over or not understood is a miss", async (t) => {
  await using redis = await startRedis();
  const features = await featureService(t);
  const put = (account: string, value: string) =>
    redis.client.send("HSET", HASH, fieldOf(account), value);
  const now = Date.now() / 1000;

  await t.test("a miss asks and populates, a no too", async (t) => {
    const { status } = await site(t, redis, features);
    assert.deepEqual([await status("7"), await status("8")], [200, 401]);
    const yes = await stored(redis, "7");
    assert.deepEqual(Object.keys(yes), ["allowed", "expires_at"]);
    assert.equal(yes.allowed, true);
    assert.ok(Math.abs(yes.expires_at - now - 86_400) < 600, `${yes.expires_at}`);
    const no = await stored(redis, "8");
    assert.equal(no.allowed, false);
    assert.ok(Math.abs(no.expires_at - now - 300) < 200, `${no.expires_at}`);
    assert.ok(Number(await redis.client.send("TTL", HASH)) > 86_000);
  });

  await t.test("a hit of another process skips the call", async (t) => {
    features.asked.length = 0;
    await put("20", JSON.stringify({ allowed: true, expires_at: now + 1000 }));
    const { status } = await site(t, redis, features);
    assert.deepEqual([await status("7"), await status("8"), await status("20")], [200, 401, 200]);
    assert.deepEqual(features.asked, []);
  });

  await t.test("an expired, an old and a broken entry are misses", async (t) => {
    const entries = [
      JSON.stringify({ allowed: true, expires_at: now - 1 }),
      ...["true", "1", "null", "[]", "{", '{"allowed":true}', '{"allowed":1,"expires_at":9e12}'],
    ];
    const { status } = await site(t, redis, features);
    for (const [index, value] of entries.entries()) {
      await put(`3${index}`, value);
      assert.equal(await status(`3${index}`), 401, value);
    }
    assert.equal(features.asked.length, entries.length);
    await redis.client.send("DEL", HASH);
    await redis.client.send("SET", HASH, "of another kind");
    assert.equal(await status("7"), 200, "even the hash may be none");
    await redis.client.send("DEL", HASH);
  });

  await t.test(
    "an error is not cached; a server that hangs or is away holds nothing up",
    async (t) => {
      const { status } = await site(t, redis, features);
      const good = features.answer;
      features.answer = () => ({ status: 500, body: "" });
      assert.equal(await status("7"), 401);
      assert.equal(await redis.client.send("HGET", HASH, fieldOf("7")), null);
      features.answer = good;
      redis.signal("SIGSTOP");
      assert.equal(await status("7"), 200);
      redis.signal("SIGCONT");
      await redis.stop();
      assert.deepEqual([await status("7"), await status("8")], [200, 401]);
    },
  );
});
