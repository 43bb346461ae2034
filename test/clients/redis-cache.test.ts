import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Api, createApi } from "../support/api.ts";
import { type Server, startServer } from "../support/server.ts";
import { startRedis } from "./support/redis.ts";

/** A new version of the repository with these bytes at `f`. */
async function upload(api: Api, repository: string, bytes: string): Promise<void> {
  const form = new FormData();
  form.set("file", new Blob([bytes]));
  form.set("relative_path", "f");
  form.set("repository", repository);
  await api.done(await api.post("content/file/files/", form));
}

async function get(server: Server, path: string) {
  const response = await fetch(`${server.contentUrl}/pulp/content/${path}`);
  const mark = response.headers.get("x-pulp-cache");
  return { status: response.status, mark, text: await response.text() };
}

const served = async (server: Server, path: string) => {
  const { mark, text } = await get(server, path);
  return [mark, text];
};

async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const limit = Date.now() + 20_000;
  while (!(await check())) assert.ok(Date.now() < limit, what);
}

test("content processes share what they find in Redis, and never need it", async (t) => {
  const home = await mkdtemp(join(tmpdir(), "deckle-shared-"));
  t.after(() => rm(home, { recursive: true, force: true }));
  await using redis = await startRedis();
  const env = { PULP_CACHE_ENABLED: "true", PULP_REDIS_URL: redis.url };
  const start = () => startServer({ home, env });
  const field = () => redis.client.send("HGET", "team/d", "/pulp/content/team/d/f:GET");
  let repository = "";

  await t.test(
    "what one process looks up is written with the state that it belongs to",
    async () => {
      await using server = await start();
      const api = createApi(server);
      const made = await api.post("repositories/file/file/", { name: "r", autopublish: true });
      repository = made.pulp_href;
      await upload(api, repository, "one");
      const distribution = { name: "d", base_path: "team/d", repository };
      await api.done(await api.post("distributions/file/file/", distribution));
      assert.deepEqual(await served(server, "team/d/f"), ["MISS", "one"]);
      await until("the entry is written", async () => typeof (await field()) === "string");
      const entry = JSON.parse(String(await field()));
      assert.deepEqual([entry.type, entry.status, entry.file.size], ["stored", 200, 3]);
      const guard = await redis.client.send("HGET", "team/d", "DISTRO#GUARD#PRESENT");
      assert.equal(guard, "False");
      const seconds = Number(await redis.client.send("TTL", "team/d"));
      assert.ok(seconds > 0 && seconds <= 600, `${seconds} s`);
      assert.match((await get(server, "team/d/")).text, /<a href="\.\/f">/);
      assert.equal((await get(server, "team/d/none")).status, 404);
    },
  );

  await t.test("another process takes it from there, pages too", async () => {
    await using server = await start();
    assert.deepEqual(await served(server, "team/d/f"), ["HIT", "one"]);
    assert.equal((await get(server, "team/d/")).mark, "HIT");
    const answer = await fetch(`${server.contentUrl}/pulp/content/team/d/`);
    assert.match(answer.headers.get("content-type") ?? "", /^text\/html/);
  });

  await t.test("an entry of an earlier state is of no use, however it came back", async () => {
    await using server = await start();
    const api = createApi(server);
    const old = String(await field());
    await upload(api, repository, "two");
    assert.deepEqual((await served(server, "team/d/f"))[1], "two");
    await redis.client.send("HSET", "team/d", "/pulp/content/team/d/f:GET", old);
    await upload(api, repository, "three");
    assert.deepEqual((await served(server, "team/d/f"))[1], "three");
  });

  await t.test("rubbish, a flush and a server that hangs or is away cost nothing", async () => {
    await using server = await start();
    const name = "/pulp/content/team/d/f:GET";
    await redis.client.send("HSET", "team/d", name, "{rubbish");
    assert.deepEqual((await served(server, "team/d/f"))[1], "three");
    await redis.client.send("FLUSHALL");
    assert.equal((await get(server, "team/d/")).status, 200);
    redis.signal("SIGSTOP");
    const began = performance.now();
    for (let n = 0; n < 20; n += 1)
      assert.equal((await get(server, `team/d/none${n}`)).status, 404);
    // One answer is waited for; then the server rests.
    assert.ok(performance.now() - began < 5000);
    redis.signal("SIGCONT");
    await redis.stop();
    assert.equal((await get(server, "team/d/other")).status, 404);
  });
});
