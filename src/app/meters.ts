import type { Ctx } from "#core/ctx.ts";
import type { Meter, Plugin } from "#sdk";

/** What the plugins of a process count, as one; what goes wrong with one is told to the log alone. */
export function openMeters(ctx: Ctx, shipped: readonly Plugin[]): Meter | undefined {
  const meters = shipped.flatMap(({ meter }) => (meter ? [meter(ctx)] : []));
  if (meters.length === 0) return undefined;
  const each = (work: (meter: Meter) => void): void => {
    for (const meter of meters) {
      try {
        work(meter);
      } catch (error) {
        ctx.log.warn(`Something was not counted: ${error}`);
      }
    }
  };
  return {
    sent: (file) => each((meter) => meter.sent(file)),
    asked: (call, place) => each((meter) => meter.asked(call, place)),
    async close() {
      await Promise.all(meters.map((meter) => meter.close()));
    },
  };
}
