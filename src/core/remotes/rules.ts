import { X509Certificate } from "node:crypto";
import type { Digests } from "#base/digests.ts";
import type { HttpOptions } from "#platform/http/http.ts";
import type { RemoteColumns, WantedFile } from "./types.ts";

const DEFAULT_CONCURRENCY = 10;
const DEFAULT_RETRIES = 3;
const DEFAULT_TOTAL_S = 300;
const DEFAULT_CONNECT_S = 30;

/** What the wire says about an address, or nothing; `file://` is judged further by `ctx.http`. */
export function urlProblem(url: string): string | undefined {
  if (/^[^:/?#]+:\/\/[^/?#]*@/.test(url))
    return "The remote url contains username or password. Please use remote username or password instead.";
  const path = filePath(url);
  if (path !== undefined && !path.startsWith("/"))
    return `The path '${path}' needs to be an absolute pathname.`;
  return undefined;
}

export const importPathProblem = (path: string): string =>
  `The path '${path}' does not start with any of the allowed import paths`;

/** The path of a `file://` address as it is written; undefined for other schemes. */
export const filePath = (url: string): string | undefined =>
  /^file:\/\//i.test(url) ? url.slice("file://".length) : undefined;

export const proxyUrlProblem = (url: string): string | undefined =>
  /^[^:/?#]+:\/\/[^/?#]*@/.test(url) ? "proxy_url must not contain credentials" : undefined;

/** Judges the remote as it would be after the change. */
export function proxyProblem(remote: RemoteColumns): string | undefined {
  const [name, password] = [Boolean(remote.proxy_username), Boolean(remote.proxy_password)];
  if ((name || password) && !remote.proxy_url)
    return "proxy credentials cannot be specified without a proxy";
  return name === password
    ? undefined
    : "proxy username and password can only be specified together";
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * The certificates of a PEM text, one after the other, without what stands between them.
 *
 * @param field `ca_cert` or `client_cert`, for the text of the problem.
 */
export function certificates(
  field: string,
  text: string,
): { readonly pem: string } | { readonly problem: string } {
  const blocks = text.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) return { problem: `No ${field} specified in string ${text}` };
  for (const block of blocks) {
    try {
      new X509Certificate(block);
    } catch (error) {
      return { problem: `Invalid ${field} specified, error '${(error as Error).message}'` };
    }
  }
  return { pem: `${blocks.join("\n")}\n` };
}

/** How to reach the upstream of a remote; null columns give the defaults of core-content §7.1. */
export function httpOptions(remote: RemoteColumns & { readonly url: string }): HttpOptions {
  return {
    origin: originOf(remote.url),
    tlsValidation: remote.tls_validation ?? true,
    ...(remote.ca_cert ? { caCert: remote.ca_cert } : {}),
    ...(remote.client_cert ? { clientCert: remote.client_cert } : {}),
    ...(remote.client_key ? { clientKey: remote.client_key } : {}),
    ...proxyOption(remote),
    ...(remote.username
      ? { basicAuth: { username: remote.username, password: remote.password ?? "" } }
      : {}),
    headers: (remote.headers ?? []).flatMap((header) => Object.entries(header)),
    totalTimeoutMs: (remote.total_timeout ?? DEFAULT_TOTAL_S) * 1000,
    connectTimeoutMs: connectSeconds(remote) * 1000,
    ...(remote.sock_read_timeout ? { readTimeoutMs: remote.sock_read_timeout * 1000 } : {}),
    concurrency: remote.download_concurrency ?? DEFAULT_CONCURRENCY,
    ...(remote.rate_limit ? { rateLimit: remote.rate_limit } : {}),
  };
}

export const retriesOf = (remote: RemoteColumns): number =>
  Math.max(0, remote.max_retries ?? DEFAULT_RETRIES);

/** An address that is none gives no origin: nothing secret is sent, and the request says why. */
function originOf(url: string): string {
  if (filePath(url) !== undefined) return "file://";
  return URL.canParse(url) ? new URL(url).origin : "";
}

/** The shorter of both limits; 0 is none. */
function connectSeconds(remote: RemoteColumns): number {
  const limits = [remote.connect_timeout, remote.sock_connect_timeout ?? DEFAULT_CONNECT_S];
  const set = limits.filter((limit): limit is number => typeof limit === "number" && limit > 0);
  return set.length === 0 ? 0 : Math.min(...set);
}

function proxyOption(remote: RemoteColumns): Pick<HttpOptions, "proxy"> {
  if (!remote.proxy_url) return {};
  const credentials = remote.proxy_username
    ? { username: remote.proxy_username, password: remote.proxy_password ?? "" }
    : {};
  return { proxy: { url: remote.proxy_url, ...credentials } };
}

/** Failures after which the same request may succeed. */
const TRANSIENT = new Set(["PLP0003", "PLP0004", "PLP0005", "PLP0027"]);

/** @param status of the answer, if the failure is one. */
export const isTransient = (code: string, status?: number): boolean =>
  TRANSIENT.has(code) || (status !== undefined && (status === 429 || status >= 500));

/** Full jitter: anything up to 1, 2, 4 … seconds, at most a minute (core-content §7.2). */
export const backoffMs = (attempt: number, random: number): number =>
  random * Math.min(60_000, 1000 * 2 ** attempt);

/** The first expected digest that differs, in the order md5 … sha512. */
export function wrongDigest(
  wanted: WantedFile,
  actual: Digests,
): { readonly expected: string; readonly actual: string } | undefined {
  for (const [algorithm, digest] of Object.entries(wanted.digests ?? {})) {
    const found = actual[algorithm as keyof Digests];
    if (found !== undefined && found !== digest.toLowerCase())
      return { expected: digest, actual: found };
  }
  return undefined;
}

/**
 * A validator with which an upstream promises that a range belongs to the same bytes: a strong
 * ETag, else the date.
 */
export function rangeValidator(headers: Readonly<Record<string, string>>): string | undefined {
  if (headers["accept-ranges"] !== "bytes" && headers["content-range"] === undefined)
    return undefined;
  if (headers["content-encoding"] !== undefined) return undefined;
  const etag = headers.etag;
  return etag !== undefined && !etag.startsWith("W/") ? etag : headers["last-modified"];
}

/** Whether a `Content-Range` continues at that byte. */
export const continuesAt = (contentRange: string | undefined, offset: number): boolean =>
  new RegExp(`^bytes ${offset}-\\d+/`).test(contentRange ?? "");
