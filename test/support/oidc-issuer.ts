import type { TestContext } from "node:test";
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { answer, createUpstream, type Upstream } from "./upstream.ts";

export interface OidcIssuer {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  readonly upstream: Upstream;
  /** A token as the issuer signs it: for `deckle`, five minutes, of `org/app` on `main`. */
  sign(claims?: JWTPayload, header?: Readonly<Record<string, unknown>>): Promise<string>;
  /** Signs with a new key from now on, which the issuer publishes as its only one. */
  rotate(): Promise<void>;
  /** PEM of the public key in use. */
  publicKey(): Promise<string>;
}

/** A stand-in for the OpenID Connect issuer of a CI service, on the loopback interface. */
export async function createOidcIssuer(t: TestContext): Promise<OidcIssuer> {
  const upstream = await createUpstream(t);
  const { url } = upstream;
  let pair = await generateKeyPair("RS256");
  let kid = 0;
  const json = (value: unknown) => answer.file(JSON.stringify(value));
  upstream.on("/.well-known/openid-configuration", json({ issuer: url, jwks_uri: `${url}/keys` }));
  const rotate = async () => {
    pair = await generateKeyPair("RS256");
    kid += 1;
    const key = { ...(await exportJWK(pair.publicKey)), kid: String(kid), use: "sig" };
    upstream.on("/keys", json({ keys: [key] }));
  };
  await rotate();
  return {
    url,
    upstream,
    rotate,
    sign: (claims = {}, header = {}) => {
      const now = Math.floor(Date.now() / 1000);
      const standard = { iss: url, aud: "deckle", sub: "repo:org/app:ref:refs/heads/main" };
      const times = { iat: now, exp: now + 300, jti: crypto.randomUUID() };
      const own = { repository: "org/app", ref: "refs/heads/main" };
      return new SignJWT({ ...standard, ...times, ...own, ...claims })
        .setProtectedHeader({ alg: "RS256", kid: String(kid), ...header })
        .sign(pair.privateKey);
    },
    publicKey: () => exportSPKI(pair.publicKey),
  };
}
