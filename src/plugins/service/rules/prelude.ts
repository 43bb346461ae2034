import type { Plugin } from "#sdk";
import { verdictOf } from "./evaluate.ts";
import { principalIn } from "./principal.ts";
import { ruleCache } from "./rule-cache.ts";

type Prelude = NonNullable<Plugin["beforeGuards"]>[number];

/** Asks the rules of a guard before the guard (service §9.2). */
export const rulesBeforeGuards: Prelude = {
  async decide(ctx, { id }, { domain, method, below, rawHeaders }) {
    const rules = await ruleCache(ctx).rules(domain.num, id);
    if (rules.length === 0) return undefined;
    const verdict = verdictOf(rules, {
      principal: principalIn(rawHeaders),
      action: method === "GET" || method === "HEAD" ? "pull" : "push",
      ...{ path: below, now: ctx.clock.now() },
    });
    if (verdict === undefined) return undefined;
    return verdict === "deny" ? "refuse" : "permit";
  },
};
