/** Algorithms of signatures with a key pair (RFC 7518 §3.1, RFC 8037). */
export const ALGORITHMS = [
  ...(["ES256", "ES384", "ES512"] as const),
  ...(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA"] as const),
] as const;

export type Algorithm = (typeof ALGORITHMS)[number];

/** OpenSSL's names of the curves. */
export const CURVES: Readonly<Partial<Record<Algorithm, string>>> = {
  ES256: "prime256v1",
  ES384: "secp384r1",
  ES512: "secp521r1",
};
