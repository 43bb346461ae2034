import { type Soon, soon } from "#base/soon.ts";
import type { Ctx } from "#core/ctx.ts";
import type { GuardHandler, GuardRef, GuardRequest } from "./contract.ts";

/** Guard types of this process by name. */
export type Guards = ReadonlyMap<string, GuardHandler>;

/** The text of a refusal that says nothing about its reason. */
export const DENIED = "Access denied.";

/**
 * Asks the guard of a distribution, before the cache, redirects and conditions (core-content §6).
 * A guard that this process cannot judge refuses.
 *
 * @returns the reason of a refusal, or undefined to permit; no promise where the answer is at hand.
 */
export function refusal(
  ctx: Ctx,
  guards: Guards,
  asked: {
    readonly guard: GuardRef | null;
    /** Called where a guard is asked; what costs something may be worked out when it is read. */
    readonly request: (ask: GuardRequest["ask"]) => GuardRequest;
  },
): Soon<string | undefined> {
  const { guard, request } = asked;
  return guard === null ? undefined : question(ctx, guards, request).ask(guard);
}

/** One request before its guards; a composite asks its members through it. */
function question(
  ctx: Ctx,
  guards: Guards,
  request: (ask: GuardRequest["ask"]) => GuardRequest,
): GuardRequest {
  const answers = new Map<string, string | undefined>();
  const asking = request((guard) => {
    const { id, type } = guard;
    if (answers.has(id)) return answers.get(id);
    // A composite that contains itself would otherwise be asked for ever.
    answers.set(id, DENIED);
    return soon(answerOf(ctx, guards.get(type), { guard, asking }), (answer) => {
      answers.set(id, answer);
      return answer;
    });
  });
  return asking;
}

function answerOf(
  ctx: Ctx,
  handler: GuardHandler | undefined,
  { guard, asking }: { readonly guard: GuardRef; readonly asking: GuardRequest },
): Soon<string | undefined> {
  if (handler) return handler.refusal(ctx, guard, asking);
  ctx.log.warn(`The content guard type ${guard.type} is not available; access is refused`);
  return DENIED;
}
