import { createHash } from "node:crypto";
import type { JWTPayload } from "jose";
import { sql } from "kysely";
import type { Settings } from "#platform/config/settings.ts";
import type { Ctx, Trx } from "../ctx.ts";
import { inTransaction } from "../transaction.ts";
import { tokenErrors } from "./errors.ts";
import { matchesGlob } from "./glob.ts";
import { claimedIssuer, LEEWAY, verifiedClaims } from "./oidc-verify.ts";
import { createToken } from "./token-commands.ts";
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
  shown: { readonly token: string; readonly audience?: string },
): Promise<ExchangedToken> {
  const { token, audience } = shown;
  const issuer = claimedIssuer(token);
  const trusted = ctx.settings.OIDC_TRUSTED_ISSUERS.filter((rule) => rule.issuer === issuer);
  if (trusted.length === 0) {
    throw tokenErrors.refused("Its issuer (iss) is not among OIDC_TRUSTED_ISSUERS.");
  }
  const rules = trusted.filter((rule) => audience === undefined || rule.audience === audience);
  if (rules.length === 0) {
    throw tokenErrors.refused("OIDC_TRUSTED_ISSUERS has no such audience for its issuer.");
  }
  const audiences = rules.map((rule) => rule.audience);
  const claims = await verifiedClaims(ctx, token, { issuer, audiences });
  const rule = rules.find((one) => fits(one, claims));
  if (!rule) {
    throw tokenErrors.noRule("No rule of OIDC_TRUSTED_ISSUERS fits its claims.");
  }
  const owner = await ownerOf(ctx, rule);
  const hash = identityOf(token, issuer, claims);
  const expires = new Date(ctx.clock.now() + (rule.lifetime ?? LIFETIME) * 1000).toISOString();
  const scope = scopeOf(rule);
  const name = `${new URL(issuer).host} ${claims.sub ?? ""}`.slice(0, 130);
  const made = await inTransaction(ctx, undefined, async (trx) => {
    await spend(trx, hash, claims.exp);
    const draft = { owner, scope, expires, issuer };
    return createToken(trx, { ...draft, name: `${name} ${hash.toString("hex").slice(0, 16)}` });
  });
  return { token: made.token, username: rule.user, scope, expires };
}

const scopeOf = ({ scopes, domains, objects }: Trusted): TokenScope => ({
  permissions: scopes,
  ...(domains ? { domains } : {}),
  ...(objects ? { objects } : {}),
});

/** Several rules share an issuer: each has its audience and claims. */
function fits(rule: Trusted, claims: JWTPayload): boolean {
  if (![claims.aud].flat().includes(rule.audience)) return false;
  return Object.entries(rule.claims).every(([name, pattern]) => {
    const values = Object.hasOwn(claims, name) ? [claims[name]].flat() : [];
    return values.some((value) => isPlain(value) && matchesGlob(pattern, String(value)));
  });
}

const isPlain = (value: unknown): boolean =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean";

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

/** Its id, or what was signed: a second signature of the same does not make another token. */
function identityOf(token: string, issuer: string, { jti }: JWTPayload): Buffer {
  const own = typeof jti === "string" ? `id ${jti}` : token.slice(0, token.lastIndexOf("."));
  return createHash("sha256").update(`${issuer}\0${own}`).digest();
}

/**
 * Notes that a token was exchanged, for as long as anybody would accept it, and forgets those that
 * nobody accepts any more, with the tokens that were made for them a week ago.
 *
 * @throws `tokenErrors.refused` if it was exchanged before.
 */
async function spend(trx: Trx, hash: Buffer, exp: number): Promise<void> {
  await sql`delete from exchanged_jwt where hash in (select hash from exchanged_jwt
    where expires < clock_timestamp() limit 1000 for update skip locked)`.execute(trx);
  await sql`delete from api_token where id in (select id from api_token
    where issuer is not null and expires < clock_timestamp() - interval '7 days'
    limit 1000 for update skip locked)`.execute(trx);
  const { numAffectedRows } = await sql`
    insert into exchanged_jwt (hash, expires)
    values (${hash}, to_timestamp(${exp + 2 * LEEWAY}::float8)) on conflict do nothing`.execute(
    trx,
  );
  if (numAffectedRows !== 1n) throw tokenErrors.refused("It has been exchanged before (jti).");
}
