import type { OpenRedis, RedisOptions } from "./redis.ts";

/** Begins to connect; does not wait for it. Loaded only where it is used. */
export async function openRedis(options: RedisOptions): Promise<OpenRedis> {
  const { createRedis } = await import("./redis-client.ts");
  return createRedis(options);
}
