import { CodedError, defineErrors } from "#base/errors.ts";
import { shownUrl } from "#base/shown-url.ts";

/** Failures of outbound requests (core-content §7.2). Statuses are not failures here. */
export const httpErrors = defineErrors({
  timeout: {
    code: "PLP0005",
    status: 500,
    message: (url: string) =>
      `Request timed out for ${url}. Increasing the total_timeout value on the remote might help.`,
  },
  lookup: { code: "PLP0008", status: 500, message: () => "URL lookup failed." },
  scheme: { code: "PLP0009", status: 500, message: (url: string) => `URL: ${url} not supported.` },
  denied: {
    code: "PLP0009",
    status: 500,
    message: (url: string) =>
      `URL: ${url} not supported. REMOTE_DENIED_NETWORKS holds its address.`,
  },
  proxy: {
    code: "PLP0010",
    status: 500,
    message: (proxyUrl: string) =>
      `Proxy authentication failed for ${proxyUrl}. Please check your proxy credentials.`,
  },
  tls: {
    code: "PLP0026",
    status: 500,
    message: (url: string, cause: string) => `TLS connection to ${url} failed: ${cause}`,
  },
  connection: {
    code: "PLP0027",
    status: 500,
    message: (url: string, cause: string) => `Connection to ${url} failed: ${cause}`,
  },
  notAllowed: {
    code: "path_not_allowed",
    status: 500,
    message: (path: string) =>
      `The path '${path}' does not start with any of the allowed import paths`,
  },
  redirects: {
    code: "PLP0009",
    status: 500,
    message: (url: string) => `URL: ${url} not supported. It redirects more than 10 times.`,
  },
});

const TIMEOUTS = new Set([
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
  "UND_ERR_CONNECT_TIMEOUT",
  "ETIMEDOUT",
]);

/** Says in our words why a request failed; what already is ours, or an abort, stays. */
export function translate(error: unknown, url: string, proxyUrl?: string): Error {
  if (!(error instanceof Error)) return httpErrors.connection(shownUrl(url), String(error));
  const code = "code" in error ? String(error.code) : "";
  const aborted = error.name === "AbortError" && code !== "UND_ERR_ABORTED";
  if (error instanceof CodedError || aborted) return error;
  if (TIMEOUTS.has(code)) return httpErrors.timeout(shownUrl(url));
  if (code === "ENOTFOUND") return httpErrors.lookup();
  if (/\(407\)/.test(error.message)) return httpErrors.proxy(shownUrl(proxyUrl ?? url));
  if (isTlsFailure(code)) return httpErrors.tls(shownUrl(url), error.message);
  return httpErrors.connection(shownUrl(url), reasonOf(error, code));
}

/** Codes of certificate verification, and of a handshake that the library ended. */
const isTlsFailure = (code: string): boolean =>
  /CERT|^ERR_TLS|^ERR_SSL|^ERR_OSSL|^EPROTO$|UNABLE_TO_VERIFY|^UND_ERR_PRX_TLS$|HOSTNAME_MISMATCH/.test(
    code,
  );

/** An error of several addresses has no text of its own. */
const reasonOf = (error: Error, code: string): string =>
  error.message === "" ? code || error.name : error.message;
