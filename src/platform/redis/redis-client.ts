import { createHash } from "node:crypto";
import { createClient, type RedisClientOptions } from "@redis/client";
import type { OpenRedis, RedisOptions, RedisScript } from "./redis.ts";

const ANSWER_MS = 1000;
const CONNECT_MS = 2000;
const MAX_WAITING = 1000;
const LONGEST_PAUSE_MS = 1000;

/** A client that never queues for a server that is away, and tells of it once. */
export function createRedis(options: RedisOptions): OpenRedis {
  const client = createClient(clientOptions(options));
  let isTold = false;
  client.on("error", (error: Error) => {
    if (!isTold) options.onChange(`Redis is not reached, and not waited for: ${error.message}`);
    isTold = true;
  });
  client.on("ready", () => {
    if (isTold) options.onChange("Redis is reached again.");
    isTold = false;
  });
  // Failures are told by the event, and attempts go on.
  client.connect().catch(() => undefined);

  const send = async (words: readonly string[]): Promise<unknown> => {
    if (!client.isReady) throw new Error("Redis is not reached.");
    return await inTime(client.sendCommand([...words]));
  };
  return {
    send: (...words) => send(words),
    async isConnected() {
      return (await send(["PING"]).catch(() => undefined)) === "PONG";
    },
    async run(script, keys, values) {
      const rest = [String(keys.length), ...keys, ...values];
      try {
        return await send(["EVALSHA", digestOf(script), ...rest]);
      } catch (error) {
        if (!/^NOSCRIPT/.test((error as Error).message)) throw error;
        return await send(["EVAL", script.lua, ...rest]);
      }
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
    },
  };
}

function clientOptions(options: RedisOptions): RedisClientOptions {
  const { url, username, password, database, isTls, authorities } = options;
  const isSocket = url.startsWith("unix://");
  const reconnectStrategy = (attempts: number) => Math.min(50 * 2 ** attempts, LONGEST_PAUSE_MS);
  const limits = { connectTimeout: CONNECT_MS, reconnectStrategy };
  const tls = isTls ? { tls: true as const, ...(authorities ? { ca: authorities } : {}) } : {};
  return {
    ...(isSocket ? {} : { url }),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(database === 0 ? {} : { database }),
    socket: isSocket ? { path: url.slice("unix://".length), ...limits } : { ...limits, ...tls },
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_WAITING,
    pingInterval: 10_000,
  } as RedisClientOptions;
}

const digests = new WeakMap<RedisScript, string>();

function digestOf(script: RedisScript): string {
  const known = digests.get(script) ?? createHash("sha1").update(script.lua).digest("hex");
  digests.set(script, known);
  return known;
}

async function inTime<Value>(answer: Promise<Value>): Promise<Value> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("Redis does not answer.")), ANSWER_MS);
  answer.catch(() => undefined);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
