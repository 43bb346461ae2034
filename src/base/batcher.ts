import { setImmediate as immediate } from "node:timers/promises";

export interface BatchLimits {
  /** Items of one batch. */
  readonly most: number;
  /** Batches that are worked on at the same time; 1 without it. */
  readonly atOnce?: number;
  /** Where nothing is under way, the first item waits for those that arrive in the same turn. */
  readonly gathers?: boolean;
}

/**
 * Collects single items into batches: while one batch is worked on the next one gathers, so the
 * batch size follows the load and nobody waits for a timer.
 */
export class Batcher<Item, Result> {
  readonly #work: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly #limits: BatchLimits;
  #pending: Entry<Item, Result>[] = [];
  #running = 0;

  /** @param work gives one result per item, in the same order. */
  constructor(work: (items: readonly Item[]) => Promise<readonly Result[]>, limits: BatchLimits) {
    this.#work = work;
    this.#limits = limits;
  }

  /** The result of this item; rejects when its batch failed. */
  add(item: Item): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      this.#pending.push({ item, resolve, reject });
      if (this.#running < (this.#limits.atOnce ?? 1)) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running += 1;
    if (this.#limits.gathers) await immediate();
    while (this.#pending.length > 0) {
      await this.#runBatch(this.#pending.splice(0, this.#limits.most));
      // Whoever goes on at once with the result has a next item ready a moment later.
      await immediate();
    }
    this.#running -= 1;
  }

  async #runBatch(batch: readonly Entry<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#work(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Result);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}

interface Entry<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}
