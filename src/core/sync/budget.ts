/**
 * Bounds what is downloaded but not saved, by bytes and by number. One file larger than the whole
 * budget passes when nothing else is in flight.
 */
export class Budget {
  readonly #mostBytes: number;
  readonly #mostItems: number;
  readonly #waiting: (() => void)[] = [];
  #bytes = 0;
  #items = 0;

  constructor(mostBytes: number, mostItems: number) {
    this.#mostBytes = mostBytes;
    this.#mostItems = mostItems;
  }

  /** Resolves when there is room; served in the order of asking. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    while (!this.#fits(bytes)) {
      await new Promise<void>((resolve, reject) => {
        const abort = () => reject(signal.reason);
        signal.addEventListener("abort", abort, { once: true });
        this.#waiting.push(() => {
          signal.removeEventListener("abort", abort);
          resolve();
        });
      });
    }
    this.#bytes += bytes;
    this.#items += 1;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
    this.#items -= 1;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #fits(bytes: number): boolean {
    if (this.#items === 0) return true;
    return this.#items < this.#mostItems && this.#bytes + bytes <= this.#mostBytes;
  }
}
