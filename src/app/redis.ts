import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { CorePlugin } from "#core/plugin-contract.ts";
import type { Settings } from "#platform/config/settings.ts";
import type { Log } from "#platform/log/log.ts";
import { openRedis } from "#platform/redis/open.ts";
import type { OpenRedis } from "#platform/redis/redis.ts";
import { appErrors } from "./errors.ts";

const PATIENCE_MS = 3000;
const LOOK_MS = 20;

/** Whether something uses a server that the settings name. */
const isUsed = (settings: Settings, plugins: readonly CorePlugin[]): boolean =>
  settings.CACHE_ENABLED ||
  settings.WORKER_TYPE === "redis" ||
  plugins.some(({ usesRedis }) => usesRedis?.(settings) === true);

/** Who may use it. */
export interface RedisUsers {
  readonly settings: Settings;
  readonly plugins: readonly CorePlugin[];
  readonly log: Log;
}

/**
 * The Redis of the settings, if it is used.
 *
 * @throws `appErrors.redis` if workers need one that nobody names
 */
export async function redisOf({
  settings,
  plugins,
  log,
}: RedisUsers): Promise<OpenRedis | undefined> {
  const url = urlOf(settings);
  if (url === undefined && settings.WORKER_TYPE === "redis") throw appErrors.redis();
  if (url === undefined || !isUsed(settings, plugins)) return undefined;
  const { REDIS_SSL_CA_CERTS: authorities } = settings;
  const named = log.named("deckle.redis");
  return openRedis({
    url,
    database: settings.REDIS_URL === null ? settings.REDIS_DB : 0,
    isTls: url.startsWith("rediss:"),
    ...(settings.REDIS_URL === null ? credentialsOf(settings) : {}),
    ...(authorities === null ? {} : { authorities: readFileSync(authorities, "utf8") }),
    onChange: (message) => named.warn(message),
  });
}

/**
 * The same for a process that seldom needs it: connects with the first use. Undefined where the
 * settings name none.
 */
export function seldomRedis(users: RedisUsers): OpenRedis | undefined {
  const { settings, plugins } = users;
  if (urlOf(settings) === undefined || !isUsed(settings, plugins)) return undefined;
  let opened: Promise<OpenRedis> | undefined;
  const open = (): Promise<OpenRedis> => {
    opened ??= connectedRedis(users);
    return opened;
  };
  return {
    isConnected: async () => (await open()).isConnected(),
    run: async (...script) => (await open()).run(...script),
    send: async (...words) => (await open()).send(...words),
    async [Symbol.asyncDispose]() {
      await (await opened)?.[Symbol.asyncDispose]();
    },
  };
}

/** Waits a moment for the connection: whoever opens it wants to use it. */
async function connectedRedis(users: RedisUsers): Promise<OpenRedis> {
  const redis = await redisOf(users);
  if (!redis) throw appErrors.redis();
  const end = performance.now() + PATIENCE_MS;
  while (!(await redis.isConnected()) && performance.now() < end) await sleep(LOOK_MS);
  return redis;
}

const credentialsOf = ({ REDIS_USERNAME: username, REDIS_PASSWORD: password }: Settings) => ({
  ...(username === null ? {} : { username }),
  ...(password === null ? {} : { password }),
});

function urlOf(settings: Settings): string | undefined {
  const { REDIS_URL, REDIS_HOST, REDIS_PORT, REDIS_SSL } = settings;
  if (REDIS_URL !== null) return REDIS_URL;
  if (REDIS_HOST === null) return undefined;
  return `${REDIS_SSL ? "rediss" : "redis"}://${REDIS_HOST}:${REDIS_PORT ?? 6379}`;
}
