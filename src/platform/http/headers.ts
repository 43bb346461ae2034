import type { HttpOptions, HttpRequest } from "./http.ts";

/** Names that belong to the one they were sent to. */
const BOUND = new Set(["authorization", "cookie", "proxy-authorization"]);

type Headers = Record<string, string | string[]>;

/**
 * Headers of one request. The remote's own (Basic, custom headers) go to its origin only; those
 * of the caller that carry credentials go to the origin that was asked first.
 *
 * @param where `home`: the origin of the remote; `asked`: the origin of the caller's address.
 */
export function requestHeaders(
  options: HttpOptions,
  request: HttpRequest,
  where: { readonly home: boolean; readonly asked: boolean; readonly userAgent: string },
): Headers {
  const headers: Headers = {
    "user-agent": where.userAgent,
    accept: "*/*",
    "accept-encoding": "gzip, deflate, br, zstd",
  };
  if (where.home) addOwn(headers, options);
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    const lower = name.toLowerCase();
    if (where.asked || !BOUND.has(lower)) headers[lower] = value;
  }
  return headers;
}

function addOwn(headers: Headers, options: HttpOptions): void {
  if (options.basicAuth) {
    const { username, password } = options.basicAuth;
    headers.authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  }
  const seen = new Set<string>();
  for (const [name, value] of options.headers) {
    const lower = name.toLowerCase();
    const present = headers[lower];
    if (lower === "user-agent") headers[lower] = `${String(present)}, ${value}`;
    else if (seen.has(lower) && present !== undefined) headers[lower] = [present, value].flat();
    else headers[lower] = value;
    seen.add(lower);
  }
}

/** Lower-case names, repeated ones joined. */
export function flatHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined)
      flat[name.toLowerCase()] = Array.isArray(value) ? value.join(", ") : value;
  }
  return flat;
}

/**
 * Milliseconds of a `Retry-After`: seconds or an HTTP date, at most 5 minutes; undefined if there
 * is none or it makes no sense.
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const wait = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), 300_000);
}
