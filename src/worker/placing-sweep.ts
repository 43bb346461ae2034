import { sweepPlacing } from "#core/artifacts/commands.ts";
import type { Ctx } from "#core/ctx.ts";

const EVERY_MS = 6 * 3_600_000;
/** Workers that start together do not ask the stores together. */
const FIRST_MS = 1_800_000;

/** Looks now and then for what was left half placed in stores, beside the chores of each beat. */
export class PlacingSweep {
  readonly #ctx: Ctx;
  readonly #ended: AbortSignal;
  #dueMs = performance.now() + Math.random() * FIRST_MS;
  #running: Promise<void> | undefined;

  constructor(ctx: Ctx, ended: AbortSignal) {
    this.#ctx = ctx;
    this.#ended = ended;
  }

  /** One beat has passed. Stores may be slow, so nobody waits. */
  tick(): void {
    if (this.#running || performance.now() < this.#dueMs) return;
    this.#dueMs = performance.now() + EVERY_MS;
    this.#running = sweepPlacing(this.#ctx, this.#ended)
      .catch((error) => this.#ctx.log.warn(`Stores were not swept: ${String(error)}`))
      .finally(() => {
        this.#running = undefined;
      });
  }

  async close(): Promise<void> {
    await this.#running;
  }
}
