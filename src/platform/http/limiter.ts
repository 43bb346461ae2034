import { setTimeout as sleep } from "node:timers/promises";

/**
 * Admits requests of one client: at most `concurrency` at a time and `rateLimit` per second. An
 * upstream that asks for patience halves the first and delays all; each success gives a little
 * back.
 */
export class Limiter {
  readonly #most: number;
  readonly #gapMs: number;
  readonly #waiting: (() => void)[] = [];
  #allowed: number;
  #running = 0;
  #nextAt = 0;

  constructor(concurrency: number, rateLimit?: number) {
    this.#most = concurrency;
    this.#allowed = concurrency;
    this.#gapMs = rateLimit === undefined || rateLimit <= 0 ? 0 : 1000 / rateLimit;
  }

  /** Resolves to the function that gives the place back; calling it twice is harmless. */
  async enter(signal?: AbortSignal): Promise<() => void> {
    await this.#place(signal);
    const leave = once(() => this.#leave());
    try {
      await this.#turn(signal);
    } catch (error) {
      leave();
      throw error;
    }
    return leave;
  }

  /** The upstream answered "too many" or "unavailable". */
  slowDown(waitMs: number): void {
    this.#allowed = Math.max(1, Math.floor(this.#allowed / 2));
    this.#nextAt = Math.max(this.#nextAt, Date.now() + waitMs);
  }

  /** The upstream answered well. */
  recover(): void {
    if (this.#allowed < this.#most) this.#allowed = Math.min(this.#most, this.#allowed + 0.1);
  }

  async #place(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#running < Math.floor(this.#allowed)) {
      this.#running += 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const abort = () => {
        this.#waiting.splice(this.#waiting.indexOf(admit), 1);
        reject(signal?.reason);
      };
      const admit = () => {
        signal?.removeEventListener("abort", abort);
        resolve();
      };
      this.#waiting.push(admit);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  async #turn(signal?: AbortSignal): Promise<void> {
    const now = Date.now();
    const at = Math.max(now, this.#nextAt);
    if (this.#gapMs > 0) this.#nextAt = at + this.#gapMs;
    if (at > now) await sleep(at - now, undefined, signal ? { signal } : {});
  }

  #leave(): void {
    this.#running -= 1;
    while (this.#running < Math.floor(this.#allowed)) {
      const admit = this.#waiting.shift();
      if (admit === undefined) return;
      this.#running += 1;
      admit();
    }
  }
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    action();
  };
}
