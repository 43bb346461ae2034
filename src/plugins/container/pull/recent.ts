import type { Ctx } from "#sdk";

/** What upstreams said a moment ago, and what they are being asked; both per process. */
export class RecentAnswers<Value> {
  readonly #clock: Ctx["clock"];
  readonly #most: number;
  /** The oldest first. */
  readonly #known = new Map<string, { readonly value: Value; readonly untilMs: number }>();
  readonly #asking = new Map<string, Promise<Value>>();

  constructor(clock: Ctx["clock"], most: number) {
    this.#clock = clock;
    this.#most = most;
  }

  known(key: string): Value | undefined {
    const entry = this.#known.get(key);
    return entry && entry.untilMs > this.#clock.now() ? entry.value : undefined;
  }

  keep(key: string, value: Value, forMs: number): void {
    this.#known.delete(key);
    if (forMs <= 0) return;
    this.#known.set(key, { value, untilMs: this.#clock.now() + forMs });
    const [oldest] = this.#known.keys();
    if (this.#known.size > this.#most && oldest !== undefined) this.#known.delete(oldest);
  }

  forget(key: string): void {
    this.#known.delete(key);
  }

  /** Lets all who ask for the same at the same time share one question. */
  once(key: string, ask: () => Promise<Value>): Promise<Value> {
    const running = this.#asking.get(key);
    if (running) return running;
    const asking = ask().finally(() => this.#asking.delete(key));
    this.#asking.set(key, asking);
    return asking;
  }
}
