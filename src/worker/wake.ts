/**
 * Wakes sleeping slots one at a time, the one that slept last first, since its child is warm. A call while nobody sleeps is kept for the next one who would,
 * so that none is lost between an empty claim and the sleep after it.
 */
export class Wake {
  readonly #sleepers: (() => void)[] = [];
  #isPending = false;

  wait(): Promise<void> {
    if (this.#isPending) {
      this.#isPending = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#sleepers.push(resolve));
  }

  one(): void {
    const sleeper = this.#sleepers.pop();
    if (sleeper) sleeper();
    else this.#isPending = true;
  }

  all(): void {
    for (const sleeper of this.#sleepers.splice(0)) sleeper();
  }
}
