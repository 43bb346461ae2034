import { randomUUID } from "node:crypto";
import { errors, jwtVerify, SignJWT } from "jose";
import type { Ctx } from "#sdk";
import type { KeyBook } from "./keys.ts";
import { type Right, rightFor, type Scope } from "./scopes.ts";

/** What a token is to say. */
export interface TokenClaims {
  /** Address of the token server. */
  readonly issuer: string;
  /** Host of the registry, as its clients write it. */
  readonly audience: string;
  /** User name; empty is a stranger. */
  readonly subject: string;
  /** Of the API token that was shown instead of a password. */
  readonly apiToken?: string;
  readonly access: readonly Scope[];
}

/** A token that was verified, with what it grants by name. */
export interface VerifiedToken {
  readonly issuer: string;
  readonly audience: string;
  readonly subject: string;
  readonly apiToken: string | undefined;
  /** Milliseconds since 1970. */
  readonly expires: number;
  /** Names that were asked for, with what was granted; undefined is nothing. */
  readonly repositories: ReadonlyMap<string, Right | undefined>;
  readonly hasCatalog: boolean;
}

/** Signs a token; `now` is in milliseconds since 1970. */
export async function signedToken(
  keys: KeyBook,
  claims: TokenClaims,
  { now, seconds }: { readonly now: number; readonly seconds: number },
): Promise<string> {
  const { id, algorithm, privateKey } = await keys.signing();
  const at = Math.floor(now / 1000);
  const { issuer, audience, subject, apiToken, access } = claims;
  return new SignJWT({ access, ...(apiToken === undefined ? {} : { api_token: apiToken }) })
    .setProtectedHeader({ alg: algorithm, typ: "JWT", kid: id })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(subject)
    .setIssuedAt(at)
    .setNotBefore(at)
    .setExpirationTime(at + seconds)
    .setJti(randomUUID())
    .sign(privateKey);
}

/** Clocks of several servers may differ by so much, in seconds. */
const LEEWAY = 5;
const MAX_KNOWN = 10_000;
/** Longer ones are none of ours: a hundred scopes fit. */
const MAX_LENGTH = 48 * 1024;

/** Verifies tokens; one that was verified costs a look into a map until it expires. */
export class TokenVerifier {
  readonly #keys: KeyBook;
  readonly #clock: Ctx["clock"];
  readonly #known = new Map<string, VerifiedToken>();

  constructor(keys: KeyBook, clock: Ctx["clock"]) {
    this.#keys = keys;
    this.#clock = clock;
  }

  /** What the token grants, if it was verified before and has not expired. */
  known(token: string): VerifiedToken | undefined {
    const known = this.#known.get(token);
    if (known === undefined) return undefined;
    if (known.expires > this.#clock.now()) return known;
    this.#known.delete(token);
    return undefined;
  }

  /** What the token grants; undefined if it is not one of ours that is in force. */
  async verify(token: string): Promise<VerifiedToken | undefined> {
    const known = this.known(token);
    if (known) return known;
    const found = token.length > MAX_LENGTH ? undefined : await this.#check(token);
    if (!found) return undefined;
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(token, found);
    return found;
  }

  async #check(token: string): Promise<VerifiedToken | undefined> {
    try {
      const { payload } = await jwtVerify<TokenPayload>(
        token,
        async ({ kid = "", alg }) => {
          const key = await this.#keys.find(kid);
          // Keys that come with the token (jwk, x5c, jku, x5u) are never looked at.
          if (!key || key.algorithm !== alg) throw new errors.JWKSNoMatchingKey();
          return key.publicKey;
        },
        {
          typ: "JWT",
          clockTolerance: LEEWAY,
          currentDate: new Date(this.#clock.now()),
          requiredClaims: ["iss", "aud", "sub", "exp", "nbf"],
        },
      );
      return verified(payload);
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }
}

interface TokenPayload {
  readonly access: readonly Scope[];
  readonly api_token?: string;
  readonly [claim: string]: unknown;
}

/** We have signed it, so it has the form that we give. */
function verified(payload: TokenPayload): VerifiedToken {
  const { iss, aud, sub, exp, access, api_token: apiToken } = payload;
  const repositories = access.filter(({ type }) => type === "repository");
  return {
    ...{ issuer: String(iss), audience: String(aud), subject: String(sub), apiToken },
    expires: Number(exp) * 1000,
    repositories: new Map(repositories.map(({ name, actions }) => [name, rightFor(actions)])),
    hasCatalog: access.some(
      ({ type, name, actions }) =>
        type === "registry" && name === "catalog" && actions.includes("*"),
    ),
  };
}
