import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { encodePath } from "#base/paths.ts";

/** How long a signed address is good for, seconds. */
export const SIGNED_SECONDS = 3600;

/** Standard Base64 with its padding; anything else is no value of ours. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The text of a header value, Base64 as it was sent; undefined if it is none. */
export const decodedHeader = (sent: string): string | undefined =>
  BASE64.test(sent) ? Buffer.from(sent, "base64").toString() : undefined;

/** The key that signs addresses for one guard; undefined without a secret of the server. */
export const redirectKey = (serverSecret: string, guard: string): Buffer | undefined =>
  serverSecret === ""
    ? undefined
    : createHmac("sha256", serverSecret).update(`content_redirect ${guard}`).digest();

interface Unsigned {
  /** As in the request: `/pulp/content/base/a%20b` */
  readonly path: string;
  /** Without the token: `expires=1790000000` */
  readonly query: string;
}

/** SHA-256 over salt, address and key (core-content §6). */
const digestOf = (salt: Buffer, { path, query }: Unsigned, key: Buffer): Buffer =>
  createHash("sha256").update(salt).update(`${path}?${query}`).update(key).digest();

/**
 * The address with `expires` and its token, which comes last.
 *
 * @param path decoded, from the root of the content app's host.
 */
export function signedAddress(
  path: string,
  how: { readonly key: Buffer; readonly salt: Buffer; readonly expires: number },
): string {
  const unsigned = { path: encodePath(path), query: `expires=${how.expires}` };
  const digest = digestOf(how.salt, unsigned, how.key).toString("hex");
  return `${unsigned.path}?${unsigned.query}&validate_token=${how.salt.toString("hex")}:${digest}`;
}

const TOKEN = /^(.*)&validate_token=((?:[0-9a-f]{2}){1,64})(?::|%3a)([0-9a-f]{64})$/is;

const FORGED = "Access not authenticated";
const EXPIRED = "Authentication expired";

/**
 * Why a request target does not carry a valid signature; undefined if it does.
 *
 * @param target path and query as they were sent.
 * @param nowS seconds since 1970.
 */
export function signatureProblem(
  target: string,
  { key, nowS }: { readonly key: Buffer; readonly nowS: number },
): string | undefined {
  const mark = target.indexOf("?");
  const path = mark < 0 ? undefined : normalPath(target.slice(0, mark));
  const [, query, salt, digest] = TOKEN.exec(target.slice(mark + 1)) ?? [];
  if (path === undefined || query === undefined || !salt || !digest) return FORGED;
  const wanted = digestOf(Buffer.from(salt, "hex"), { path, query }, key);
  if (!timingSafeEqual(wanted, Buffer.from(digest, "hex"))) return FORGED;
  const [expires, ...more] = new URLSearchParams(query).getAll("expires");
  if (more.length > 0 || !/^\d{1,12}$/.test(expires ?? "")) return FORGED;
  return Number(expires) >= nowS ? undefined : EXPIRED;
}

/** Clients write the same path with more or less percent-encoding. */
function normalPath(path: string): string | undefined {
  try {
    return encodePath(decodeURIComponent(path));
  } catch {
    return undefined;
  }
}
