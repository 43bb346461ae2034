import type { Clock } from "../ctx.ts";

const WINDOW_MS = 60_000;
const PER_ACCOUNT = 10;
const PER_ADDRESS = 60;
const MAX_KEYS = 20_000;

interface Bucket {
  count: number;
  readonly until: number;
}

/** Counts failed log-ins per minute, by account and address together and by address alone. */
export class FailureLimit {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** 0, or how long the next try has to wait. */
  secondsToWait(address: string, name: string): number {
    const now = this.#clock.now();
    const waits = [
      this.#wait(`${address} ${name}`, PER_ACCOUNT, now),
      this.#wait(address, PER_ADDRESS, now),
    ];
    return Math.max(...waits);
  }

  add(address: string, name: string): void {
    const now = this.#clock.now();
    if (this.#buckets.size > MAX_KEYS) this.#buckets.clear();
    for (const key of [`${address} ${name}`, address]) {
      const bucket = this.#buckets.get(key);
      if (bucket && bucket.until > now) bucket.count += 1;
      else this.#buckets.set(key, { count: 1, until: now + WINDOW_MS });
    }
  }

  #wait(key: string, limit: number, now: number): number {
    const bucket = this.#buckets.get(key);
    if (!bucket || bucket.until <= now || bucket.count < limit) return 0;
    return Math.ceil((bucket.until - now) / 1000);
  }
}
