import type { Ctx } from "../ctx.ts";
import { distinctStores } from "../domains/queries.ts";

/** No file takes so long to be placed. */
const LEFT_MS = 24 * 3_600_000;

/** Takes back what was left half placed in the stores of all domains; a failure is told and passed over. */
export async function sweepPlacing(ctx: Ctx, signal: AbortSignal): Promise<void> {
  for (const store of await distinctStores(ctx)) {
    if (signal.aborted) return;
    try {
      const swept = (await store.sweep?.(ctx.clock.now() - LEFT_MS)) ?? 0;
      if (swept > 0) ctx.log.info(`${swept} files that were left half placed were taken back.`);
    } catch (error) {
      ctx.log.warn(`What was left half placed in a store stays for now: ${String(error)}`);
    }
  }
}
