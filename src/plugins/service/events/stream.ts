import type { Ctx } from "#sdk";
import type { Outgoing, Problem, Sink } from "./outbox.ts";

export interface StreamOptions {
  /** Key of the stream. */
  readonly key: string;
  /** Entries that it keeps, about. */
  readonly length: number;
}

/** What a call of Redis takes at most, and some. */
const TIMEOUT_MS = 5000;

/** A stream in Redis, which programs read with `XREAD` or as a group of consumers. */
export class Stream implements Sink {
  readonly name = "stream";
  readonly timeoutMs = TIMEOUT_MS;
  readonly #ctx: Ctx;
  readonly #options: StreamOptions;

  constructor(ctx: Ctx, options: StreamOptions) {
    this.#ctx = ctx;
    this.#options = options;
  }

  async send({ id, name, payload }: Outgoing): Promise<Problem | undefined> {
    const { redis } = this.#ctx;
    if (!redis) return { why: "the settings name no Redis", isFinal: false };
    const { key, length } = this.#options;
    try {
      const limit = ["MAXLEN", "~", String(length)];
      await redis.send("XADD", key, ...limit, "*", "event", name, "id", id, "data", payload);
      return undefined;
    } catch (error) {
      return { why: (error as Error).message, isFinal: false };
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
