import { isSameText } from "#base/same-text.ts";
import type { Ctx } from "#core/ctx.ts";
import type { Asking } from "./authentication.ts";
import { csrfCookie } from "./cookies.ts";

/** Methods that change nothing (RFC 9110 §9.2.1). */
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/**
 * Why a request that a browser sent by itself may come from a foreign page; undefined if it is one
 * of ours: it repeats the cookie, which only pages of this origin can read (reliability T15).
 *
 * @param sent the token beside the cookie; default is the header `X-CSRFToken`.
 */
export function csrfProblem(
  { settings }: Ctx,
  request: Asking,
  sent: unknown = request.headers["x-csrftoken"],
): string | undefined {
  if (SAFE.has(request.method)) return undefined;
  const { origin } = request.headers;
  if (origin !== undefined && !isOurs(request, origin, settings.CSRF_TRUSTED_ORIGINS)) {
    return "Origin checking failed: the origin is not one of CSRF_TRUSTED_ORIGINS.";
  }
  return tokenProblem(request, sent);
}

/** The same of the token alone, whatever the method: for links that change something. */
export function tokenProblem(request: Asking, sent: unknown): string | undefined {
  const cookie = csrfCookie(request);
  if (cookie === undefined) return "CSRF cookie not set.";
  if (typeof sent !== "string" || sent === "") return "CSRF token missing.";
  return isSameText(cookie, sent) ? undefined : "CSRF token incorrect.";
}

function isOurs({ host, protocol }: Asking, origin: string, trusted: readonly string[]): boolean {
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) return false;
  // A proxy that ends TLS may not say so; the other way round, the page came unprotected.
  const isWeaker = protocol === "https" && url.protocol === "http:";
  if (url.host === host.toLowerCase() && !isWeaker) return true;
  return trusted.some((pattern) => {
    const [scheme, name = ""] = pattern.toLowerCase().split("://");
    if (`${scheme}:` !== url.protocol) return false;
    return name.startsWith("*.") ? url.host.endsWith(name.slice(1)) : url.host === name;
  });
}
