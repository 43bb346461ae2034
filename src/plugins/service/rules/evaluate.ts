import { fitsDn } from "../identity/subject-dn.ts";
import type { AskedRequest, GuardRule, Principal, RuleAccount } from "./types.ts";

/**
 * What rules say about a request (service §9.2): one that denies wins over all that allow.
 *
 * @returns undefined where none is about it.
 */
export function verdictOf(
  rules: readonly GuardRule[],
  asked: AskedRequest,
): "allow" | "deny" | undefined {
  const effects = new Set(
    rules.filter((rule) => mismatch(rule, asked) === undefined).map(({ effect }) => effect),
  );
  if (effects.has("deny")) return "deny";
  return effects.has("allow") ? "allow" : undefined;
}

/** Why a rule is not about a request; undefined if it is. */
export function mismatch(rule: GuardRule, asked: AskedRequest): string | undefined {
  const { now, action, path, principal } = asked;
  if (!rule.enabled) return "The rule is disabled.";
  if (rule.valid_from !== null && now < rule.valid_from) return "The rule is not valid yet.";
  if (rule.valid_until !== null && now >= rule.valid_until) return "The rule is over.";
  if (!rule.actions.includes(action)) return `The rule is not about '${action}'.`;
  if (path !== undefined && !isBelow(path, rule.path_prefixes))
    return "The path is below none of the prefixes.";
  return strangeness(rule, principal, now);
}

/** A prefix is whole segments of a path, so that `a` is not the beginning of `ab`. */
const isBelow = (path: string, prefixes: readonly string[]): boolean =>
  prefixes.length === 0 ||
  prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));

/** Why somebody is not whom the rule is about. */
function strangeness(rule: GuardRule, principal: Principal, now: number): string | undefined {
  const { subject, organisation } = principal;
  if (rule.subject !== null) {
    const fits = subject !== undefined && fitsDn(rule.subject, subject);
    return fits ? undefined : "The subject is another one.";
  }
  if (rule.org_id !== null)
    return rule.org_id === organisation ? undefined : "The organisation is another one.";
  const fits = rule.account !== null && isAccount(rule.account, principal, now);
  return fits ? undefined : "The service account is another one, or disabled.";
}

const isAccount = (account: RuleAccount, { subject, inner }: Principal, now: number): boolean =>
  account.canonical_dn === subject &&
  account.enabled &&
  (account.expires_at === null || now < account.expires_at) &&
  (account.org_id === null || inner === undefined || account.org_id === inner);
