import type { Ctx } from "#core/ctx.ts";
import { type Answer, inMemory } from "./answer.ts";
import { ChangeFeed } from "./change-feed.ts";
import type { Match } from "./contract.ts";
import type { Matched } from "./match.ts";
import { MatchCache } from "./match-cache.ts";
import type { OpenFiles } from "./open-files.ts";
import { type CachedAnswer, ResponseCache } from "./response-cache.ts";

/** Files up to this size may be kept in memory once they are known to be in demand. */
const MEDIUM_BYTES = 2_097_152;

/** Under which name an answer is kept, and how old what it says may be. */
export interface Slot {
  readonly key: string;
  /** Of the memory when the request began. */
  readonly generation: number;
}

/**
 * What the process remembers of earlier requests, as long as nothing says that it changed: answers
 * by path, and the distributions that paths belong to.
 */
export class Memory {
  readonly #ctx: Ctx;
  readonly #answers: ResponseCache;
  readonly #matches: MatchCache;
  readonly #feed: ChangeFeed;

  constructor(ctx: Ctx) {
    const { RESPONSE_CACHE_BYTES: budgetBytes, CACHE_SETTINGS } = ctx.settings;
    const { EXPIRES_TTL: ttlS } = CACHE_SETTINGS;
    const now = () => ctx.clock.now();
    this.#ctx = ctx;
    this.#answers = new ResponseCache({
      ...{ budgetBytes, now },
      ttlMs: ttlS === null ? null : ttlS * 1000,
    });
    this.#matches = new MatchCache(now);
    this.#feed = new ChangeFeed(ctx, {
      changed: (distribution) => {
        this.#answers.invalidate(distribution);
        this.#matches.clear();
      },
      isIdle: () => {
        this.#answers.sweep();
        this.#matches.sweep();
        ctx.metrics.gauge("deckle_cache_bytes", this.#answers.bytes, { cache: "responses" });
        return this.#answers.isEmpty && this.#matches.isEmpty;
      },
    });
  }

  get generation(): number {
    return this.#answers.generation;
  }

  start(): void {
    this.#feed.start();
  }

  stop(): Promise<void> {
    return this.#feed.stop();
  }

  answer(key: string, method: string): CachedAnswer | undefined {
    const kept = this.#answers.get(key);
    return kept && (kept.answer.method ?? method) === method ? kept : undefined;
  }

  match(domain: string, path: string): Match | undefined {
    return this.#matches.get(domain, path);
  }

  /** Remembers the distribution if it stands for every path below it. */
  keepMatch(matched: Matched, { generation }: Pick<Slot, "generation">): void {
    if (matched.kind !== "distribution" || !matched.isGeneral) return;
    if (this.#ctx.settings.RESPONSE_CACHE_BYTES === 0 || generation !== this.generation) return;
    this.#matches.set(matched.match);
    this.#feed.depend(matched.match.xmin);
  }

  /** @returns whether the answer is of a kind that is kept. */
  keep({ key, generation }: Slot, match: Match, answer: Answer): boolean {
    if (answer.body.kind === "spooled" || answer.method === "HEAD") return false;
    if (answer.weight > this.#answers.largestBytes) return false;
    this.#answers.set(key, { match, answer }, generation);
    if (!this.#answers.isEmpty) this.#feed.depend(match.xmin);
    return true;
  }

  /** Remembers for a second that there is nothing, or only something below. */
  keepBriefly({ key, generation }: Slot, match: Match | null, answer: Answer): void {
    this.#answers.setNegative(key, { match, answer }, generation);
    if (match && !this.#answers.isEmpty) this.#feed.depend(match.xmin);
  }

  /** Moves a file of medium size that is asked for again from its descriptor into memory. */
  async promote(key: string, { match, answer }: CachedAnswer, files: OpenFiles): Promise<void> {
    const { sizeBytes, body } = answer;
    if (body.kind !== "file" || sizeBytes > MEDIUM_BYTES) return;
    if (sizeBytes > this.#answers.largestBytes || this.#answers.get(key)?.answer !== answer) return;
    const { generation } = this;
    this.#answers.set(key, { match, answer: await inMemory(files, answer) }, generation);
  }
}
