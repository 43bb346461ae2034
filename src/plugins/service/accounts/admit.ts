import type { Ctx } from "#sdk";
import { serviceErrors } from "../errors.ts";
import { canonicalDn } from "../identity/subject-dn.ts";
import { serviceSettingsOf } from "../settings.ts";
import { dnDigest } from "./dn-digest.ts";

/** `last_seen` is no more exact than this. */
const SEEN_EVERY_S = 300;

interface KnownAccount {
  readonly id: string;
  readonly subject_dn: string;
  readonly org_id: string | null;
  readonly is_usable: boolean;
  readonly is_unseen: boolean;
}

const byDigest = {
  name: "service account by subject",
  text: `select id, subject_dn, org_id,
      enabled and coalesce(expires_at > to_timestamp($2::float8), true) as is_usable,
      coalesce(last_seen < to_timestamp($2::float8 - ${SEEN_EVERY_S}), true) as is_unseen
    from service_account where dn_digest = $1`,
};

const seen = {
  name: "service account seen",
  text: `update service_account set last_seen = to_timestamp($2::float8) where id = $1
    and coalesce(last_seen < to_timestamp($2::float8 - ${SEEN_EVERY_S}), true) returning id`,
};

/**
 * The name of the user that a certificate stands for, as its account says if there is one (service
 * §9.1). An account is none for the certificate of another organisation.
 *
 * @param organisation of the request, if it has one.
 * @throws `serviceErrors.disabledAccount`, `serviceErrors.unknownAccount` (401)
 */
export async function admittedUser(
  ctx: Ctx,
  subjectDn: string,
  organisation: string | undefined,
): Promise<string> {
  const canonical = canonicalDn(subjectDn);
  const now = ctx.clock.now() / 1000;
  const [account] =
    canonical === undefined
      ? []
      : await ctx.hot.query<KnownAccount>(byDigest, [dnDigest(canonical), now]);
  if (!account || isOfAnother(account, organisation)) {
    if (serviceSettingsOf(ctx).RH_SERVICE_ACCOUNT_REQUIRED) throw serviceErrors.unknownAccount();
    return subjectDn;
  }
  if (!account.is_usable) throw serviceErrors.disabledAccount();
  if (account.is_unseen) await ctx.hot.query(seen, [account.id, now]);
  return account.subject_dn;
}

const isOfAnother = ({ org_id }: KnownAccount, organisation: string | undefined): boolean =>
  org_id !== null && organisation !== undefined && org_id !== organisation;
