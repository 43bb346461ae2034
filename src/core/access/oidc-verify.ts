import { errors, type JWTPayload, jwtVerify } from "jose";
import { scanJson } from "#base/json-scan.ts";
import type { Ctx } from "../ctx.ts";
import { tokenErrors } from "./errors.ts";
import { issuerKeys } from "./oidc-keys.ts";

/** Clocks may differ by so much, in seconds. */
export const LEEWAY = 60;
/** With a key pair each: nothing that an issuer publishes can sign. */
const ALGORITHMS = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];
const MAX_DEPTH = 20;
/** Seconds: what was exchanged is remembered as long as this. */
const MAX_LIFETIME = 86_400;

const NO_JWT = "It is no signed JSON web token of three parts.";

/**
 * The issuer that a token claims to be of, before anything about it is known to be true.
 *
 * @throws `tokenErrors.refused`
 */
export function claimedIssuer(token: string): string {
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) throw tokenErrors.refused(NO_JWT);
  const [, part = ""] = token.split(".");
  const text = Buffer.from(part, "base64url").toString();
  // Two readers of such a text may see two different values.
  if (scanJson(text, MAX_DEPTH)) throw tokenErrors.refused("Its claims are nested or repeated.");
  const claims = parsed(text);
  if (typeof claims?.iss !== "string") throw tokenErrors.refused("It names no issuer (iss).");
  return claims.iss;
}

function parsed(text: string): JWTPayload | null {
  try {
    return JSON.parse(text) as JWTPayload | null;
  } catch {
    throw tokenErrors.refused(NO_JWT);
  }
}

/**
 * The claims of a token, which is of that issuer, for one of these audiences, and in force
 * (RFC 7519, RFC 8725). Keys that come with the token are not looked at.
 *
 * @throws `tokenErrors.refused`, `tokenErrors.issuerDown`
 */
export async function verifiedClaims(
  ctx: Ctx,
  token: string,
  expected: { readonly issuer: string; readonly audiences: readonly string[] },
): Promise<JWTPayload & { readonly exp: number }> {
  const { issuer, audiences } = expected;
  const verify = async (isNewer: boolean) =>
    jwtVerify(token, await issuerKeys(ctx, issuer, isNewer), {
      issuer,
      audience: [...audiences],
      algorithms: ALGORITHMS,
      clockTolerance: LEEWAY,
      currentDate: new Date(ctx.clock.now()),
      requiredClaims: ["exp", "iat"],
    });
  try {
    const { payload } = await verify(false).catch((error: unknown) => {
      if (error instanceof errors.JWKSNoMatchingKey) return verify(true);
      throw error;
    });
    if ((payload.iat ?? 0) > ctx.clock.now() / 1000 + LEEWAY) {
      throw tokenErrors.refused("It was issued in the future (iat); compare the clocks.");
    }
    const exp = payload.exp ?? 0;
    if (exp > ctx.clock.now() / 1000 + MAX_LIFETIME) {
      throw tokenErrors.refused("It is valid for more than a day; ask for one that is not.");
    }
    return { ...payload, exp };
  } catch (error) {
    throw refusalOf(ctx, error);
  }
}

function refusalOf(ctx: Ctx, error: unknown): unknown {
  if (tokenErrors.refused.is(error) || tokenErrors.issuerDown.is(error)) return error;
  const why = REASONS.find(([kind]) => error instanceof kind)?.[1];
  if (why !== undefined) return tokenErrors.refused(why);
  if (error instanceof errors.JWTClaimValidationFailed) {
    return tokenErrors.refused(`Its claim '${error.claim}' is missing or not as expected.`);
  }
  // What is left are keys of the issuer that cannot be used: too short, or malformed.
  ctx.log.warn(`A token for exchange cannot be verified: ${(error as Error).message}`);
  return tokenErrors.refused("It cannot be verified; the server's log says why.");
}

const REASONS: readonly (readonly [new (...given: never[]) => Error, string])[] = [
  [errors.JWTExpired, "It has expired (exp)."],
  [errors.JWSSignatureVerificationFailed, "Its signature is not by the issuer."],
  [errors.JWKSNoMatchingKey, "The issuer has no key of its id (kid)."],
  [errors.JWKSMultipleMatchingKeys, "It does not say by which key of the issuer it is (kid)."],
  [errors.JOSEAlgNotAllowed, "Its algorithm (alg) is none that issuers sign with."],
  [errors.JOSENotSupported, "Its algorithm (alg) is none that issuers sign with."],
  [errors.JWSInvalid, NO_JWT],
  [errors.JWTInvalid, NO_JWT],
];
