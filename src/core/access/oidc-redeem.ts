import { createHash } from "node:crypto";
import type { JWTPayload } from "jose";
import { sql } from "kysely";
import type { Ctx, Trx } from "../ctx.ts";
import { inTransaction } from "../transaction.ts";
import { tokenErrors } from "./errors.ts";
import { matchesGlob } from "./glob.ts";
import { claimedIssuer, LEEWAY, verifiedClaims } from "./oidc-verify.ts";
import { createToken } from "./token-commands.ts";
import type { TokenScope } from "./token-scope.ts";

/** What somebody gets for his identity. */
export interface IdentityGrant {
  /** `app_user.id` of whom the API token acts for. */
  readonly owner: number;
  readonly scope: TokenScope;
  readonly lifetimeS: number;
}

/** An identity that is known to be true. */
export interface Identity {
  readonly issuer: string;
  readonly claims: Readonly<Record<string, unknown>>;
  isFor(audience: string): boolean;
  /** Whether all these claims are there and match; `*` stands for any characters. */
  fits(patterns: Readonly<Record<string, string>>): boolean;
}

export interface Redemption<Grant extends IdentityGrant> {
  /** JSON web token of an issuer (OpenID Connect). */
  readonly token: string;
  /** For whom tokens of an issuer may be; throws of one that nobody trusts, before it is asked. */
  audiences(issuer: string): readonly string[];
  /** What the identity is good for here; throws where it is good for nothing. */
  grant(identity: Identity): Promise<Grant>;
  /** Notes more about the API token, inside the transaction that makes it. */
  made?(trx: Trx, token: { readonly id: string; readonly grant: Grant }): Promise<void>;
}

/**
 * Takes the token of an issuer and gives a short-lived API token for it, once.
 *
 * @throws `tokenErrors`, and what the callbacks throw.
 */
export async function redeemIdentity<Grant extends IdentityGrant>(
  ctx: Ctx,
  { token, audiences, grant: decide, made: note }: Redemption<Grant>,
): Promise<{ readonly token: string; readonly expires: string; readonly grant: Grant }> {
  const issuer = claimedIssuer(token);
  const claims = await verifiedClaims(ctx, token, { issuer, audiences: audiences(issuer) });
  const grant = await decide({
    ...{ issuer, claims },
    isFor: (audience) => [claims.aud].flat().includes(audience),
    fits: (patterns) => fits(patterns, claims),
  });
  const { owner, scope, lifetimeS } = grant;
  const hash = identityOf(token, issuer, claims);
  const expires = new Date(ctx.clock.now() + lifetimeS * 1000).toISOString();
  const start = `${new URL(issuer).host} ${claims.sub ?? ""}`.slice(0, 130);
  const name = `${start} ${hash.toString("hex").slice(0, 16)}`;
  const made = await inTransaction(ctx, undefined, async (trx) => {
    await spend(trx, hash, claims.exp);
    const created = await createToken(trx, { owner, scope, expires, issuer, name });
    await note?.(trx, { id: created.id, grant });
    return created;
  });
  return { token: made.token, expires, grant };
}

const fits = (patterns: Readonly<Record<string, string>>, claims: JWTPayload): boolean =>
  Object.entries(patterns).every(([name, pattern]) => {
    const values = Object.hasOwn(claims, name) ? [claims[name]].flat() : [];
    return values.some((value) => isPlain(value) && matchesGlob(pattern, String(value)));
  });

const isPlain = (value: unknown): boolean =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean";

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
