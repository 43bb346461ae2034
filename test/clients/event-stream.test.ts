import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Api, createApi } from "../support/api.ts";
import { killAll } from "../support/process-tree.ts";
import { startServer } from "../support/server.ts";
import { type RedisServer, startRedis } from "./support/redis.ts";

const STREAM = "pulp:events";
const LIMIT_MS = 120_000;

interface Entry {
  readonly event: string;
  readonly id: string;
  readonly name: string;
}

/** What a program reads that asks for all there is. */
async function entries(redis: RedisServer): Promise<readonly Entry[]> {
  const found = (await redis.client.send("XRANGE", STREAM, "-", "+")) as [string, string[]][];
  return found.map(([, [, event = "", , id = "", , data = ""]]) => {
    const body = JSON.parse(data) as { readonly id: string; readonly name: string };
    assert.equal(body.id, id);
    return { event, id, name: body.name };
  });
}

async function untilHeard(redis: RedisServer, names: readonly string[]): Promise<void> {
  const limit = Date.now() + LIMIT_MS;
  for (;;) {
    const heard = new Set((await entries(redis)).map(({ name }) => name));
    const missing = names.filter((name) => !heard.has(name));
    if (missing.length === 0) return;
    assert.ok(Date.now() < limit, `not heard of: ${missing.join(", ")}`);
    await sleep(50);
  }
}

async function make(api: Api, names: readonly string[]): Promise<void> {
  for (const name of names) await api.post("repositories/file/file/", { name });
}

test("programs read in Redis what happens, whatever becomes of Redis and of the server", async (t) => {
  const home = await mkdtemp(join(tmpdir(), "deckle-events-"));
  t.after(() => rm(home, { recursive: true, force: true }));
  await using redis = await startRedis();
  const env = {
    ...{ PULP_REDIS_URL: redis.url, PULP_EVENT_STREAM: STREAM },
    PULP_ENABLED_PLUGINS: "['file', 'service']",
  };
  const start = () => startServer({ home, env });

  await using first = await start();
  const api = createApi(first);
  await make(api, ["a"]);
  await untilHeard(redis, ["a"]);
  assert.equal((await entries(redis))[0]?.event, "repository.created");

  await t.test(
    "a server that hangs or was flushed holds nothing up and loses nothing",
    async () => {
      redis.signal("SIGSTOP");
      await make(api, ["b", "c"]);
      redis.signal("SIGCONT");
      await untilHeard(redis, ["b", "c"]);
      await redis.client.send("FLUSHALL");
      await make(api, ["d"]);
      await untilHeard(redis, ["d"]);
    },
  );

  await redis.stop();
  await make(api, ["e", "f", "g"]);
  await killAll(await first.pids());
  await redis.start();
  await using _second = await start();
  await untilHeard(redis, ["e", "f", "g"]);
});
