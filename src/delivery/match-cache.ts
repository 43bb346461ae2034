import { pathPrefixes } from "#base/paths.ts";
import type { Match } from "./contract.ts";

/** What no event tells, such as a change of the domain, is noticed after this time. */
const TTL_MS = 5000;
const LIMIT = 4096;

interface Entry {
  readonly match: Match;
  readonly expiresAtMs: number;
}

/** Distributions that were matched lately, so that further files of them need one statement less. */
export class MatchCache {
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  get(domain: string, path: string): Match | undefined {
    if (this.#entries.size === 0) return undefined;
    for (const prefix of pathPrefixes(path)) {
      const entry = this.#entries.get(`${domain}/${prefix}`);
      if (entry) return entry.expiresAtMs > this.#now() ? entry.match : undefined;
    }
    return undefined;
  }

  set(match: Match): void {
    if (this.#entries.size >= LIMIT) this.clear();
    const key = `${match.domain.name}/${match.distribution.basePath}`;
    this.#entries.set(key, { match, expiresAtMs: this.#now() + TTL_MS });
  }

  clear(): void {
    this.#entries.clear();
  }

  sweep(): void {
    const now = this.#now();
    for (const [key, { expiresAtMs }] of this.#entries) {
      if (expiresAtMs <= now) this.#entries.delete(key);
    }
  }
}
