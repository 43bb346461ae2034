import type { Ctx } from "#core/ctx.ts";
import { MEASURED_CHANNEL, measureQueue } from "#core/measures/commands.ts";
import { isMeasured } from "#core/measures/queries.ts";

/** The queue is measured every so many beats. */
const EVERY_BEATS = 3;

/**
 * Measures the queue now and then, one worker for all: whoever did so tells the others, which wait
 * their turn out.
 */
export class QueueGauges {
  readonly #ctx: Ctx;
  #pause = 0;

  constructor(ctx: Ctx, ended: AbortSignal) {
    this.#ctx = ctx;
    if (!isMeasured(ctx.settings)) return;
    ctx.notifier.listen(MEASURED_CHANNEL, () => this.#wait(), ended);
  }

  /** One beat has passed. */
  async tick(): Promise<void> {
    if (!isMeasured(this.#ctx.settings)) return;
    this.#pause -= 1;
    if (this.#pause <= 0 && (await measureQueue(this.#ctx))) this.#wait();
  }

  #wait(): void {
    this.#pause = EVERY_BEATS;
  }
}
