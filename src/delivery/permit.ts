import type { Ctx } from "#core/ctx.ts";
import type { GuardHandler, GuardRequest, Match } from "./contract.ts";

/** Guard types of this process by name. */
export type Guards = ReadonlyMap<string, GuardHandler>;

/**
 * Asks the guard of a distribution, before the cache, redirects and conditions (core-content §6).
 * A guard that this process cannot judge refuses.
 *
 * @returns the reason of a refusal, or undefined to permit; no promise where there is no guard.
 */
export function refusal(
  ctx: Ctx,
  guards: Guards,
  { match, request }: { readonly match: Match; readonly request: () => GuardRequest },
): undefined | Promise<string | undefined> {
  const { guard } = match.distribution;
  if (guard === null) return undefined;
  const handler = guards.get(guard.type);
  if (handler) return handler.refusal(ctx, guard, request());
  ctx.log.warn(`The content guard type ${guard.type} is not available; access is refused`);
  return Promise.resolve("Access denied.");
}
