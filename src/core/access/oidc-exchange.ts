import type { Settings } from "#platform/config/settings.ts";
import type { Ctx } from "../ctx.ts";
import { tokenErrors } from "./errors.ts";
import { redeemIdentity } from "./oidc-redeem.ts";
import type { TokenScope } from "./token-scope.ts";

const LIFETIME = 900;

type Trusted = Settings["OIDC_TRUSTED_ISSUERS"][number];

/** A token that was made for another one. */
export interface ExchangedToken {
  readonly token: string;
  readonly username: string;
  readonly scope: TokenScope;
  readonly expires: string;
}

/**
 * Takes a token of a trusted issuer (OpenID Connect) and gives a short-lived API token for it, once.
 *
 * @param shown `audience`, if given, has to be that of the rule.
 * @throws `tokenErrors`
 */
export async function exchangeToken(
  ctx: Ctx,
  { token, audience }: { readonly token: string; readonly audience?: string },
): Promise<ExchangedToken> {
  const rulesOf = (issuer: string) => trustedRules(ctx, issuer, audience);
  const made = await redeemIdentity(ctx, {
    token,
    audiences: (issuer) => rulesOf(issuer).map((rule) => rule.audience),
    async grant({ issuer, isFor, fits }) {
      const rule = rulesOf(issuer).find((one) => isFor(one.audience) && fits(one.claims));
      if (!rule) throw tokenErrors.noRule("No rule of OIDC_TRUSTED_ISSUERS fits its claims.");
      const owner = await ownerOf(ctx, rule);
      return { owner, scope: scopeOf(rule), lifetimeS: rule.lifetime ?? LIFETIME, rule };
    },
  });
  const { rule, scope } = made.grant;
  return { token: made.token, username: rule.user, scope, expires: made.expires };
}

/** @throws `tokenErrors.refused` */
function trustedRules(
  { settings }: Ctx,
  issuer: string,
  audience: string | undefined,
): readonly Trusted[] {
  const trusted = settings.OIDC_TRUSTED_ISSUERS.filter((rule) => rule.issuer === issuer);
  if (trusted.length === 0) {
    throw tokenErrors.refused("Its issuer (iss) is not among OIDC_TRUSTED_ISSUERS.");
  }
  const rules = trusted.filter((rule) => audience === undefined || rule.audience === audience);
  if (rules.length === 0) {
    throw tokenErrors.refused("OIDC_TRUSTED_ISSUERS has no such audience for its issuer.");
  }
  return rules;
}

const scopeOf = ({ scopes, domains, objects }: Trusted): TokenScope => ({
  permissions: scopes,
  ...(domains ? { domains } : {}),
  ...(objects ? { objects } : {}),
});

/** @throws `tokenErrors.noRule` */
async function ownerOf({ db }: Ctx, { user }: Trusted): Promise<number> {
  const row = await db
    .selectFrom("app_user")
    .select("id")
    .where("username", "=", user)
    .where("is_active", "=", true)
    .executeTakeFirst();
  if (!row) {
    throw tokenErrors.noRule("The user that OIDC_TRUSTED_ISSUERS names is missing or inactive.");
  }
  return row.id;
}
