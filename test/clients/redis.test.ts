import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { redisOf } from "#app/redis.ts";
import { createLog } from "#platform/log/create-log.ts";
import { createApi } from "../support/api.ts";
import { testSettings } from "../support/context.ts";
import { type Server, startServer } from "../support/server.ts";
import { type RedisServer, startRedis } from "./support/redis.ts";

/** An upstream that never answers, so that a sync lasts until it is cancelled. */
async function silentUpstream(t: TestContext): Promise<string> {
  const server = createServer(() => undefined).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/PULP_MANIFEST`;
}

async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const limit = Date.now() + 30_000;
  while (!(await check())) {
    if (Date.now() > limit) throw new Error(`It did not come about: ${what}.`);
    await sleep(50);
  }
}

const shows = (redis: RedisServer, key: string) => async () => (await redis.keys()).includes(key);
const isEmpty = (redis: RedisServer) => async () => (await redis.keys()).length === 0;

/** What the test does with a server whose upstream never answers. */
async function clientOf(server: Server, url: string) {
  const api = createApi(server);
  const remote = (await api.post("remotes/file/file/", { name: "r", url })).pulp_href as string;
  const repository = await api.post("repositories/file/file/", { name: "r", remote });
  return {
    ...{ api, repository },
    begin: async () => (await api.post(`${repository.pulp_href}sync/`, {})).task as string,
    async cancel(task: string) {
      await api.patch(task, { state: "canceled" });
      assert.equal((await api.task({ task })).state, "canceled");
    },
    async clean() {
      const plain = await api.post("orphans/cleanup/", { orphan_protection_time: 0 });
      assert.equal((await api.task(plain)).state, "completed");
    },
    status: async () => (await api.get("status/")).redis_connection.connected as boolean,
  };
}

const idOf = (task: string): string => task.split("/").at(-2) ?? "";

test("workers show their locks in Redis, and never need it", async (t) => {
  const url = await silentUpstream(t);
  await using redis = await startRedis();
  await redis.client.send("SADD", "pulp:active_owners", "gone@nowhere");
  await redis.client.send("SADD", "pulp:owner_locks:gone@nowhere", "task:leaked");
  await redis.client.send("SET", "task:leaked", "gone@nowhere");
  await using server = await startServer({
    env: { PULP_WORKER_TYPE: "redis", PULP_REDIS_URL: redis.url, PULP_WORKER_TTL: "3" },
  });
  const { api, repository, begin, cancel, clean, status } = await clientOf(server, url);

  await t.test("what an owner without a record left is taken back", async () => {
    await until("the leaked lock is gone", isEmpty(redis));
    assert.equal(await status(), true);
  });

  await t.test("a running task has the keys that tools read", async () => {
    const task = await begin();
    await until("the task is shown", shows(redis, `task:${idOf(task)}`));
    const owner = String(await redis.client.send("GET", `task:${idOf(task)}`));
    const { online_workers } = await api.get("status/");
    assert.ok(online_workers.some(({ name }: { name: string }) => name === owner));
    const lock = `pulp:resource_lock:${repository.prn}`;
    assert.equal(await redis.client.send("GET", lock), owner);
    assert.ok(Number(await redis.client.send("TTL", lock)) > 0);
    const shared = (await redis.keys()).filter((key) => key.includes("core.domain"));
    // A task of the server's own schedules may share the domain at this moment.
    assert.equal(await redis.client.send("SISMEMBER", shared[0] ?? "", owner), 1);
    assert.ok((await redis.keys()).includes(`pulp:owner_locks:${owner}`));
    await cancel(task);
    await until("no lock is left", isEmpty(redis));
  });

  await t.test("a key cancels a task, and none is left of those that are cancelled", async () => {
    const task = await begin();
    await until("the task is shown", shows(redis, `task:${idOf(task)}`));
    await redis.client.send("SET", `pulp:task:cancel:${idOf(task)}`, "cancel");
    assert.equal((await api.task({ task })).state, "canceled");
    await until("no key is left", isEmpty(redis));
    const ended = idOf(task);
    await redis.client.send("SET", `pulp:task:cancel:${ended}`, "cancel");
    await redis.client.send("SADD", "pulp:canceled_tasks", ended, "rubbish");
    await until("what came too late is away", isEmpty(redis));
  });

  await t.test("a flushed server is told again, and tasks go on", async () => {
    const task = await begin();
    await until("the task is shown", shows(redis, `task:${idOf(task)}`));
    await redis.client.send("FLUSHALL");
    await until("the task is shown again", shows(redis, `task:${idOf(task)}`));
    await clean();
    await cancel(task);
    await until("no lock is left", isEmpty(redis));
  });

  await t.test("a server that hangs or is away holds nothing up", async () => {
    redis.signal("SIGSTOP");
    await clean();
    assert.equal(await status(), false);
    redis.signal("SIGCONT");
    await redis.stop();
    await clean();
    assert.equal(await status(), false);
    await redis.start();
    await until("it is reached again", status);
    await clean();
    await until("no lock is left", isEmpty(redis));
  });
});

test("PULP_REDIS_HOST, _PORT, _PASSWORD and _DB name the server, what opens it and the database", async () => {
  await using redis = await startRedis();
  await redis.client.send("CONFIG", "SET", "requirepass", "of the test");
  const { port } = new URL(redis.url);
  const settings = {
    ...testSettings("/"),
    ...{ WORKER_TYPE: "redis", REDIS_HOST: "127.0.0.1", REDIS_PORT: Number(port), REDIS_DB: 3 },
  } as const;
  const told: string[] = [];
  const log = createLog({ level: "info", format: "text", write: (line) => void told.push(line) });
  await using refused = await redisOf({
    ...{ settings: { ...settings, REDIS_PASSWORD: "wrong" }, plugins: [], log },
  });
  await assert.rejects(async () => refused?.send("SET", "a", "b"));

  await using opened = await redisOf({
    ...{ settings: { ...settings, REDIS_PASSWORD: "of the test" }, plugins: [], log },
  });
  await until("it is reached", async () => (await opened?.isConnected()) === true);
  await opened?.send("SET", "a", "b");
  assert.match(String(await opened?.send("INFO", "keyspace")), /db3:keys=1/);
  assert.ok(!told.join("").includes("of the test"), "the password is not told");
  await redis.client.send("CONFIG", "SET", "requirepass", "");
});
