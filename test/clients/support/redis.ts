import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { openRedis } from "#platform/redis/open.ts";
import type { OpenRedis } from "#platform/redis/redis.ts";
import { freePort } from "../../support/server.ts";

/** A real Redis server that keeps nothing on disk, and a client of the test. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  readonly client: OpenRedis;
  /** Names of all keys, sorted. */
  keys(): Promise<readonly string[]>;
  signal(name: NodeJS.Signals): void;
  stop(): Promise<void>;
  /** Starts again, empty, on the same port. */
  start(): Promise<void>;
}

export async function startRedis(): Promise<RedisServer> {
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const options = { database: 0, isTls: false, onChange: () => undefined };
  const client = await openRedis({ url, ...options });
  let child: ChildProcess | undefined;
  const stop = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  const start = async () => {
    const flags = [
      "--port",
      String(port),
      "--bind",
      "127.0.0.1",
      "--save",
      "",
      "--appendonly",
      "no",
    ];
    child = spawn("redis-server", flags, { stdio: "ignore" });
    const limit = Date.now() + 20_000;
    while (!(await client.isConnected())) {
      if (child.exitCode !== null || Date.now() > limit) throw new Error("redis does not start.");
      await sleep(20);
    }
  };
  await start();
  return {
    ...{ url, client, start, stop },
    keys: async () => ((await client.send("KEYS", "*")) as string[]).toSorted(),
    signal: (name) => void child?.kill(name),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await stop();
    },
  };
}
