interface Entry<Value> {
  readonly value: Promise<Value>;
  readonly until: number;
}

/** Values that are believed for a short time; askers at the same moment share one computation. */
export class RecentValues<Value> {
  readonly #ttlMs: number;
  readonly #most: number;
  readonly #entries = new Map<string, Entry<Value>>();

  /** @param most entries; the oldest go first. */
  constructor(ttlMs: number, most: number) {
    this.#ttlMs = ttlMs;
    this.#most = most;
  }

  get(key: string, compute: () => Promise<Value>, now: number): Promise<Value> {
    const known = this.#entries.get(key);
    if (known && known.until > now) return known.value;
    const value = compute();
    this.#entries.delete(key);
    this.#entries.set(key, { value, until: now + this.#ttlMs });
    value.catch(() => this.#entries.delete(key));
    for (const [oldest] of this.#entries) {
      if (this.#entries.size <= this.#most) break;
      this.#entries.delete(oldest);
    }
    return value;
  }
}
