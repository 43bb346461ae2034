import { soon } from "#base/soon.ts";
import type { Plugin } from "#sdk";
import { verdictOf } from "./evaluate.ts";
import { principalIn } from "./principal.ts";
import { ruleCache } from "./rule-cache.ts";

type Prelude = NonNullable<Plugin["beforeGuards"]>[number];

/** Asks the rules of a guard before the guard (service §9.2). */
export const rulesBeforeGuards: Prelude = {
  decide(ctx, { id }, request) {
    return soon(ruleCache(ctx).rules(request.domain.num, id), (rules) => {
      if (rules.length === 0) return undefined;
      const { method, below, rawHeaders } = request;
      const verdict = verdictOf(rules, {
        principal: principalIn(rawHeaders),
        action: method === "GET" || method === "HEAD" ? "pull" : "push",
        ...{ path: below, now: ctx.clock.now() },
      });
      if (verdict === undefined) return undefined;
      return verdict === "deny" ? "refuse" : "permit";
    });
  },
};
