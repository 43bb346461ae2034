import type { Settings } from "#platform/config/settings.ts";

/** Longest path that is looked up, in bytes: a base path and a relative path of 2 048 each. */
const MAX_BYTES = 4097;

/** Where a request points, below the prefix of the content app. */
export interface RequestPath {
  /** Undefined without domains, or when the path ends before one. */
  readonly domain: string | undefined;
  /** Decoded, no slash at either end; "" is the root. */
  readonly path: string;
  /** The same with the domain in front. */
  readonly fullPath: string;
  readonly isDirectory: boolean;
  /** As sent, without the query. */
  readonly rawPath: string;
}

export interface PathRules {
  /** `/pulp/content/` */
  readonly prefix: string;
  readonly hasDomains: boolean;
}

/**
 * Splits the path of a request target.
 *
 * @param rawPath the target without its query, as it was sent.
 * @returns "malformed" (400) for what is no path at all, undefined (404) for a path that nothing
 *   can have: outside the prefix, or with an empty, `.` or `..` segment once decoded.
 */
export function parseRequestPath(
  rawPath: string,
  rules: PathRules,
): RequestPath | "malformed" | undefined {
  const full = decoded(rawPath);
  if (full === undefined) return "malformed";
  const below = belowPrefix(full, rules.prefix);
  if (below === undefined || !isCanonical(below)) return undefined;
  const isDirectory = below === "" ? full.endsWith("/") : below.endsWith("/");
  const fullPath = below.endsWith("/") ? below.slice(0, -1) : below;
  const common = { fullPath, isDirectory, rawPath };
  if (!rules.hasDomains) return { ...common, domain: undefined, path: fullPath };
  const cut = fullPath.indexOf("/");
  const domain = cut < 0 ? fullPath : fullPath.slice(0, cut);
  if (domain === "") return undefined;
  return { ...common, domain, path: cut < 0 ? "" : fullPath.slice(cut + 1) };
}

function decoded(rawPath: string): string | undefined {
  if (!rawPath.startsWith("/") || /[^\u0021-\u007e]/.test(rawPath)) return undefined;
  if (!rawPath.includes("%")) return rawPath;
  try {
    const text = decodeURIComponent(rawPath);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the rule is about control characters.
    return /[\u0000-\u001f\u007f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

function belowPrefix(path: string, prefix: string): string | undefined {
  if (path.startsWith(prefix)) return path.slice(prefix.length);
  return `${path}/` === prefix ? "" : undefined;
}

const isCanonical = (below: string): boolean =>
  below === "" ||
  (below.length <= MAX_BYTES &&
    !/^\/|\/\/|(^|\/)\.{1,2}(\/|$)/.test(below) &&
    Buffer.byteLength(below) <= MAX_BYTES);

/** `/pulp/content/` or `/pulp/content/<domain>/`. */
export function contentRoot(
  { settings }: { readonly settings: Pick<Settings, "CONTENT_PATH_PREFIX" | "DOMAIN_ENABLED"> },
  domain: { readonly name: string },
): string {
  const { CONTENT_PATH_PREFIX: prefix, DOMAIN_ENABLED: hasDomains } = settings;
  return hasDomains ? `${prefix}${domain.name}/` : prefix;
}
