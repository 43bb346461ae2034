import type { Ctx } from "../ctx.ts";
import { policyBook } from "./book.ts";
import { holds } from "./conditions.ts";
import type { Question } from "./question.ts";
import { isAllowed } from "./rules.ts";

/**
 * The one place that decides permission; what it does not allow is denied. An address without a
 * policy is for administrators only (core-rest §7.2).
 *
 * @throws what the facts throw: the object is missing or hidden, the body is bad.
 */
export function isPermitted(ctx: Ctx, question: Question): Promise<boolean> {
  const { decider } = policyBook(ctx);
  const byPolicy = () => isPermittedByPolicy(ctx, question);
  return decider ? decider.isPermitted(question, byPolicy) : byPolicy();
}

async function isPermittedByPolicy(ctx: Ctx, question: Question): Promise<boolean> {
  const { caller, rights, viewset, action, method, facts } = question;
  const book = policyBook(ctx);
  const policy = await book.policyOf(viewset);
  if (!policy) return rights.isSuperuser;
  const asking = { action, method, user: caller.user, groups: rights.groups };
  return isAllowed(policy, asking, (condition) =>
    holds(book, { ctx, caller, rights, facts }, condition),
  );
}
