import { isWholeToken, LENGTH, looksLikeToken, PREFIX } from "./token-text.ts";

/** What an `Authorization` header carries. */
export type Credentials =
  | { readonly kind: "password"; readonly name: string; readonly password: string }
  /** `name` is that of the user it is said to belong to; undefined if nobody is named. */
  | { readonly kind: "token"; readonly token: string; readonly name?: string }
  | { readonly kind: "malformed"; readonly why: string }
  | { readonly kind: "badToken"; readonly why: string };

/** User name of those that have nothing but a token. */
const NOBODY = "__token__";

const MISTYPED: Credentials = {
  kind: "badToken",
  why: "It was mistyped or cut off: its check digits do not fit.",
};

/**
 * Reads HTTP Basic (RFC 7617), whose password may be a token, and Bearer (RFC 6750).
 *
 * @returns undefined if the header is of another scheme, or its Bearer token none of ours.
 */
export function credentialsOf(header: string): Credentials | undefined {
  const [scheme = "", value, ...rest] = header.trim().split(/\s+/);
  switch (scheme.toLowerCase()) {
    case "basic":
      return basicCredentials(value, rest.length > 0);
    case "bearer":
      return bearerCredentials(value, rest.length > 0);
    default:
      return undefined;
  }
}

/** Whose Bearer token it is, its prefix tells: one of a proxy's issuer is no business of ours. */
function bearerCredentials(token: string | undefined, hasMore: boolean): Credentials | undefined {
  if (!token?.startsWith(PREFIX)) return undefined;
  if (hasMore) return { kind: "badToken", why: "It should not contain spaces." };
  if (isWholeToken(token)) return { kind: "token", token };
  if (looksLikeToken(token)) return MISTYPED;
  return { kind: "badToken", why: `API tokens have ${LENGTH} characters.` };
}

function basicCredentials(value: string | undefined, hasMore: boolean): Credentials {
  if (!value) return { kind: "malformed", why: "No credentials provided." };
  if (hasMore) return { kind: "malformed", why: "Credentials string should not contain spaces." };
  const text = /^[A-Za-z0-9+/=_-]+$/.test(value) ? Buffer.from(value, "base64").toString() : "";
  // The name ends at the first colon.
  const colon = text.indexOf(":");
  if (colon < 0 || text.includes("\0")) {
    return { kind: "malformed", why: "Credentials not correctly base64 encoded." };
  }
  const name = text.slice(0, colon);
  const password = text.slice(colon + 1);
  if (!looksLikeToken(password)) return { kind: "password", name, password };
  if (!isWholeToken(password)) return MISTYPED;
  return { kind: "token", token: password, ...(name === NOBODY || name === "" ? {} : { name }) };
}
