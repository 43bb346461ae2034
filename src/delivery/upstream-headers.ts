/**
 * Headers of an upstream that do not reach our clients: those of the connection (core-content
 * §5.7), those that say who may keep the answer or whose it is, and what we say ourselves.
 */
const KEPT_BACK = new Set([
  ...["connection", "content-encoding", "content-length", "keep-alive", "public", "upgrade"],
  ...["proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"],
  ...["transfer-encoding", "set-cookie", "set-cookie2", "clear-site-data", "www-authenticate"],
  ...["cache-control", "expires", "pragma", "age", "vary", "warning", "date", "server", "via"],
  ...["etag", "last-modified", "accept-ranges", "content-range", "content-disposition"],
  ...["alt-svc", "strict-transport-security", "public-key-pins", "nel", "report-to", "link"],
  ...["correlation-id", "x-pulp-cache", "x-pulp-artifact-size", "location", "refresh"],
]);

/** Longest value that is passed on, and how many. */
const VALUE_LENGTH = 1024;
const MOST = 32;

/** What is passed on of the headers of an upstream. */
export function endToEndHeaders(
  headers: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const passed = Object.entries(headers).filter(
    ([name, value]) =>
      !KEPT_BACK.has(name) &&
      !name.startsWith("access-control-") &&
      value.length <= VALUE_LENGTH &&
      /^[\u0020-\u007e\u00a0-\u00ff]*$/.test(value),
  );
  return Object.fromEntries(passed.slice(0, MOST).map(([name, value]) => [shown(name), value]));
}

/** `content-type` → `Content-Type` */
const shown = (name: string): string =>
  name.replaceAll(/(^|-)[a-z]/g, (start) => start.toUpperCase());
