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
 * @returns the reason of a refusal, or undefined to permit; no promise where there is no guard.
 */
export function refusal(
  ctx: Ctx,
  guards: Guards,
  asked: { readonly guard: GuardRef | null; readonly request: () => Omit<GuardRequest, "ask"> },
): undefined | Promise<string | undefined> {
  const { guard, request } = asked;
  if (guard === null) return undefined;
  return question(ctx, guards, request()).ask(guard);
}

/** One request before its guards; a composite asks its members through it. */
function question(ctx: Ctx, guards: Guards, request: Omit<GuardRequest, "ask">): GuardRequest {
  const answers = new Map<string, string | undefined>();
  const asking: GuardRequest = {
    ...request,
    async ask(guard: GuardRef) {
      if (answers.has(guard.id)) return answers.get(guard.id);
      // A composite that contains itself would otherwise be asked for ever.
      answers.set(guard.id, DENIED);
      const answer = await answerOf(ctx, guards.get(guard.type), { guard, asking });
      answers.set(guard.id, answer);
      return answer;
    },
  };
  return asking;
}

function answerOf(
  ctx: Ctx,
  handler: GuardHandler | undefined,
  { guard, asking }: { readonly guard: GuardRef; readonly asking: GuardRequest },
): Promise<string | undefined> {
  if (handler) return handler.refusal(ctx, guard, asking);
  ctx.log.warn(`The content guard type ${guard.type} is not available; access is refused`);
  return Promise.resolve(DENIED);
}
