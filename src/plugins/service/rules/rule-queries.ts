import type { Ctx } from "#sdk";
import type { GuardRule } from "./types.ts";

const RULE = `
  select r.effect, r.enabled, r.actions, r.path_prefixes, r.canonical_subject as subject, r.org_id,
    extract(epoch from r.valid_from)::float8 * 1000 as valid_from,
    extract(epoch from r.valid_until)::float8 * 1000 as valid_until,
    case when a.id is not null then json_build_object('canonical_dn', a.canonical_dn,
      'org_id', a.org_id, 'enabled', a.enabled,
      'expires_at', extract(epoch from a.expires_at)::float8 * 1000) end as account
  from service_guard_rule r
    left join service_account a on a.domain = r.domain and a.id = r.service_account`;

const ofGuard = {
  name: "rules of a content guard",
  text: `${RULE} where r.domain = $1 and r.content_guard = $2 and r.enabled`,
};

/** Rules of a guard that are not switched off. */
export const guardRules = (
  { hot }: Pick<Ctx, "hot">,
  domain: number,
  guard: string,
): Promise<readonly GuardRule[]> => hot.query<GuardRule>(ofGuard, [domain, guard]);

const byId = { name: "rule of a content guard", text: `${RULE} where r.id = $1` };

/** Undefined if there is no such rule. */
export async function ruleById(
  { hot }: Pick<Ctx, "hot">,
  id: string,
): Promise<GuardRule | undefined> {
  const [rule] = await hot.query<GuardRule>(byId, [id]);
  return rule;
}
