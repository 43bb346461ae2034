/** Work that runs side by side: the first failure ends all of it. */
export class Crew implements AsyncDisposable {
  readonly #abort = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;
  /** Aborts on the first failure, or when the outer signal does. */
  readonly signal: AbortSignal;

  constructor(outer: AbortSignal) {
    this.signal = AbortSignal.any([outer, this.#abort.signal]);
  }

  start(work: () => Promise<void>): void {
    const running = work()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** @throws the first failure, when all work has ended. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    this.throwIfFailed();
  }

  throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
    this.signal.throwIfAborted();
  }

  /** Ends what is running; whoever leaves early leaves nothing behind. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#running.size > 0) this.#abort.abort();
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#abort.abort(error);
  }
}
