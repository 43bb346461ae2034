import type { Call } from "#sdk";
import { json, type Outcome } from "../endpoint.ts";
import type { Redis } from "./read-locks.ts";

const WRONG_WORKERS = "This endpoint only works with Redis workers.";
const NO_REDIS = "Redis connection not available";

/**
 * Answers with what is found in Redis, where workers show their locks there (service §10).
 *
 * @param told more keys of the answer where they do not.
 */
export async function withRedis(
  { ctx }: Call,
  { failure, told = {} }: { readonly failure: string; readonly told?: Record<string, string> },
  run: (redis: Redis) => Promise<Outcome>,
): Promise<Outcome> {
  const { WORKER_TYPE } = ctx.settings;
  if (WORKER_TYPE !== "redis") return json(400, { error: WRONG_WORKERS, ...told });
  const { redis } = ctx;
  if (!redis || !(await redis.isConnected())) return json(500, { error: NO_REDIS });
  try {
    return await run(redis);
  } catch (error) {
    ctx.log.error(`${failure} ${error instanceof Error ? (error.stack ?? error.message) : error}`);
    return json(500, { error: failure, detail: "The log of the server tells why." });
  }
}
