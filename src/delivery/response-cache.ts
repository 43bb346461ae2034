import type { Answer } from "./answer.ts";
import type { Match } from "./contract.ts";

/** A finished answer of a path, with the distribution whose guard is asked before it is sent. */
export interface CachedAnswer {
  readonly match: Match | null;
  readonly answer: Answer;
}

interface Entry extends CachedAnswer {
  readonly weight: number;
  readonly expiresAtMs: number;
  /** Since it was last looked at whether it should leave. */
  isUsed: boolean;
}

/** What an entry costs beside its key and body. */
const OVERHEAD_BYTES = 1024;
const NEGATIVE_TTL_MS = 1000;
const NEGATIVE_LIMIT = 4096;
const NO_EXPIRY = Number.POSITIVE_INFINITY;

export interface CacheOptions {
  readonly budgetBytes: number;
  /** Longest life of an entry; null has no limit. */
  readonly ttlMs: number | null;
  readonly now: () => number;
}

/**
 * Finished answers by path. The oldest leave first, unless they were used since: those get a second
 * chance, which costs a hit less than moving them. An answer belongs to the distribution that gave it
 * and goes when that one changes; answers without a file live a second.
 */
export class ResponseCache {
  readonly #options: CacheOptions;
  /** In the order in which they may leave. */
  readonly #entries = new Map<string, Entry>();
  readonly #negatives = new Map<string, Entry>();
  readonly #keys = new Map<string, Set<string>>();
  #bytes = 0;
  #generation = 0;

  constructor(options: CacheOptions) {
    this.#options = options;
  }

  /** Grows with each invalidation: an answer begun in an earlier generation may be outdated. */
  get generation(): number {
    return this.#generation;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0 && this.#negatives.size === 0;
  }

  /** Largest body that is worth keeping. */
  get largestBytes(): number {
    return Math.floor(this.#options.budgetBytes / 16);
  }

  get(key: string): CachedAnswer | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return this.#negative(key);
    if (entry.expiresAtMs <= this.#options.now()) {
      this.#remove(key, entry);
      return undefined;
    }
    entry.isUsed = true;
    return entry;
  }

  /** Keeps an answer that was begun in `generation`, unless something changed since. */
  set(key: string, cached: CachedAnswer, generation: number): void {
    const { budgetBytes, ttlMs, now } = this.#options;
    const weight = OVERHEAD_BYTES + 2 * key.length + cached.answer.weight;
    if (generation !== this.#generation || weight > budgetBytes) return;
    const previous = this.#entries.get(key);
    if (previous) this.#remove(key, previous);
    const expiresAtMs = ttlMs === null ? NO_EXPIRY : now() + ttlMs;
    this.#entries.set(key, { ...cached, weight, expiresAtMs, isUsed: false });
    this.#bytes += weight;
    const owner = cached.match?.distribution.id ?? "";
    this.#keys.set(owner, (this.#keys.get(owner) ?? new Set()).add(key));
    this.#shrink(budgetBytes, key);
  }

  /** Remembers for a second that there is nothing. */
  setNegative(key: string, cached: CachedAnswer, generation: number): void {
    if (generation !== this.#generation || this.#options.budgetBytes === 0) return;
    if (this.#negatives.size >= NEGATIVE_LIMIT) this.#negatives.clear();
    const expiresAtMs = this.#options.now() + NEGATIVE_TTL_MS;
    this.#negatives.set(key, { ...cached, weight: 0, expiresAtMs, isUsed: false });
  }

  /** Forgets what a distribution gave, and everything that was missing. */
  invalidate(distribution: string): void {
    this.#generation += 1;
    this.#negatives.clear();
    for (const key of this.#keys.get(distribution) ?? []) {
      const entry = this.#entries.get(key);
      if (entry) this.#remove(key, entry);
    }
  }

  /** Removes what has expired, so that an idle cache becomes empty. */
  sweep(): void {
    const now = this.#options.now();
    for (const [key, entry] of this.#entries) {
      if (entry.expiresAtMs <= now) this.#remove(key, entry);
    }
    for (const [key, entry] of this.#negatives) {
      if (entry.expiresAtMs <= now) this.#negatives.delete(key);
    }
  }

  #negative(key: string): CachedAnswer | undefined {
    const entry = this.#negatives.get(key);
    if (entry === undefined || entry.expiresAtMs > this.#options.now()) return entry;
    this.#negatives.delete(key);
    return undefined;
  }

  /** The newest entry stays; others that stay for now leave when their turn comes again. */
  #shrink(budgetBytes: number, newest: string): void {
    for (const [key, entry] of this.#entries) {
      if (this.#bytes <= budgetBytes) return;
      if (!entry.isUsed && key !== newest) {
        this.#remove(key, entry);
        continue;
      }
      entry.isUsed = false;
      this.#entries.delete(key);
      this.#entries.set(key, entry);
    }
  }

  #remove(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#bytes -= entry.weight;
    const owner = entry.match?.distribution.id ?? "";
    const keys = this.#keys.get(owner);
    keys?.delete(key);
    if (keys?.size === 0) this.#keys.delete(owner);
  }
}
