import { createHash } from "node:crypto";
import type { Ctx } from "#sdk";

/** Hash in Redis that every process and every release reads (service §8.1). */
const HASH = "PULP_FEATURE_CONTENTGUARD_CACHE";
/** Accounts that the hash has at most; it begins anew beyond them. */
const MAX_FIELDS = 100_000;
/** How long a server is left alone that did not answer. */
const REST_MS = 5000;

/** What the feature service said, for as long as it is believed. */
export interface SharedAnswer {
  readonly isAllowed: boolean;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/** What Redis has: an answer, none, or nothing can be said because it is not there. */
export type Lookup = SharedAnswer | "none" | "unknown";

/**
 * Answers that processes share in Redis with `CACHE_ENABLED`. A field has an end of its own, for a
 * hash has one for all of them; what is over or is not to be understood is no answer.
 */
export class SharedAnswers {
  readonly #ctx: Ctx;
  #restsUntil = 0;

  constructor(ctx: Ctx) {
    this.#ctx = ctx;
  }

  async read(account: string, features: readonly string[]): Promise<Lookup> {
    const redis = this.#redis();
    if (!redis) return "unknown";
    try {
      const text = await redis.send("HGET", HASH, fieldOf(account, features));
      const answer = typeof text === "string" ? answerIn(text) : undefined;
      return answer && answer.until > this.#ctx.clock.now() ? answer : "none";
    } catch (error) {
      this.#rest(error);
      return "unknown";
    }
  }

  /** In the background: nobody waits for what others may use. */
  write(account: string, features: readonly string[], { isAllowed, until }: SharedAnswer): void {
    const value = JSON.stringify({ allowed: isAllowed, expires_at: until / 1000 });
    const seconds = Math.max(1, Math.ceil((until - this.#ctx.clock.now()) / 1000));
    const values = [fieldOf(account, features), value, String(seconds), String(MAX_FIELDS)];
    this.#redis()
      ?.run(KEEP, [HASH], values)
      .catch((error: unknown) => this.#rest(error));
  }

  #redis(): Ctx["redis"] {
    const { redis, settings } = this.#ctx;
    return settings.CACHE_ENABLED && Date.now() >= this.#restsUntil ? redis : undefined;
  }

  #rest(error: unknown): void {
    this.#restsUntil = Date.now() + REST_MS;
    this.#ctx.log.debug(`Redis is not asked about features for a while: ${error}`);
  }
}

/** The hash ends with the last of its answers. */
const KEEP = {
  name: "keep-features",
  lua: `
    if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) then redis.call('DEL', KEYS[1]) end
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
    if redis.call('TTL', KEYS[1]) < tonumber(ARGV[3]) then
      redis.call('EXPIRE', KEYS[1], ARGV[3])
    end
    return 1`,
} as const;

const fieldOf = (account: string, features: readonly string[]): string =>
  createHash("sha256")
    .update(`${account}-${features.join(",")}`)
    .digest("hex");

function answerIn(text: string): SharedAnswer | undefined {
  try {
    const value = JSON.parse(text) as { readonly allowed?: unknown; readonly expires_at?: unknown };
    const { allowed, expires_at: end } = value ?? {};
    if (typeof allowed !== "boolean" || typeof end !== "number") return undefined;
    return { isAllowed: allowed, until: end * 1000 };
  } catch {
    return undefined;
  }
}
