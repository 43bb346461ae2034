import type { Rights } from "../access/types.ts";
import type { Caller, Ctx } from "../ctx.ts";
import { policyBook } from "./book.ts";
import { holds } from "./conditions.ts";
import type { Facts } from "./facts.ts";
import { isAllowed } from "./rules.ts";

/** What somebody wants to do; every request asks this before anything happens. */
export interface Question {
  readonly caller: Caller;
  readonly rights: Rights;
  /** Policy's name: the route without ids, `repositories/file/file`. */
  readonly viewset: string;
  /** `list`, `retrieve`, `create`, `update`, `partial_update`, `destroy`, or an action's name. */
  readonly action: string;
  /** HTTP method in capitals. */
  readonly method: string;
  readonly facts: Facts;
}

/**
 * The one place that decides permission; what it does not allow is denied. An address without a
 * policy is for administrators only (core-rest §7.2).
 *
 * @throws what the facts throw: the object is missing or hidden, the body is bad.
 */
export async function isPermitted(ctx: Ctx, question: Question): Promise<boolean> {
  const { caller, rights, viewset, action, method, facts } = question;
  const book = policyBook(ctx);
  const policy = await book.policyOf(viewset);
  if (!policy) return rights.isSuperuser;
  const asking = { action, method, user: caller.user, groups: rights.groups };
  return isAllowed(policy, asking, (condition) =>
    holds({ rights, facts }, book.meaningOf(condition)),
  );
}
