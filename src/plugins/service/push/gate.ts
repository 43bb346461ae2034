import { type Plugin, sql } from "#sdk";

type PushGate = NonNullable<Plugin["pushGate"]>;

interface Rule {
  readonly enabled: boolean;
  readonly allow_overwrite: boolean;
  readonly max_bytes: number | null;
  readonly require_attestation: boolean;
  readonly is_allowed: boolean;
}

const ruleOf = {
  name: "push rule of a repository",
  text: `
select p.enabled, p.allow_overwrite, p.max_upload_size::float8 as max_bytes, p.require_attestation,
  not p.is_limited
    or exists (select from service_push_group g
      join group_member m on m.app_group = g.app_group
      where g.push_repository = p.id and m.app_user = $2)
    or exists (select from service_push_account a
      join service_account s on s.domain = a.domain and s.id = a.account
      where a.push_repository = p.id and s.app_user = $2) as is_allowed
from service_push_repository p where p.repository = $1`,
};

const scanningOf = {
  name: "scanning of a push repository",
  text: "select malware_scanning from service_push_repository where repository = $1",
};

/** What records of push repositories say (service §9.3); repositories without one are as in the core. */
export const pushGate: PushGate = {
  async terms({ hot }, { caller: { user }, repository }) {
    const [rule] = await hot.query<Rule>(ruleOf, [repository, user?.id ?? null]);
    if (!rule) return undefined;
    return {
      refusal: refusalOf(rule, user?.isSuperuser === true),
      maxBytes: rule.max_bytes,
      mayOverwrite: rule.allow_overwrite,
      needsAttestation: rule.require_attestation,
    };
  },
  async scanning({ hot }, repository) {
    const [row] = await hot.query<{ malware_scanning: "inherit" | "on" | "off" }>(scanningOf, [
      repository,
    ]);
    const said = row?.malware_scanning;
    return said === "inherit" ? undefined : said;
  },
  async pushed({ db }, repository) {
    const { rows } = await sql<{ isPublished: boolean }>`
      update service_push_repository set last_push = clock_timestamp(), push_count = push_count + 1
      where repository = ${repository} returning publish_on_push as "isPublished"`.execute(db);
    return rows[0];
  },
};

/** What is off is off for administrators too; the lists of who may are not about them. */
function refusalOf(rule: Rule, isAdministrator: boolean): string | null {
  if (!rule.enabled) return "Pushing to this repository is disabled.";
  return rule.is_allowed || isAdministrator ? null : "You may not push to this repository.";
}
