/** Longest path in bytes: a B-tree entry holds 2 704 (data-model §2). */
const MAX_PATH_BYTES = 2048;

/**
 * Whether a path is canonical: 1–2 048 bytes, no control character, no empty, `.` or `..` segment,
 * hence no slash at either end (core-content §1.1). The database holds the same rule (`rel_path`).
 */
export function isRelativePath(path: string): boolean {
  if (path === "" || Buffer.byteLength(path) > MAX_PATH_BYTES) return false;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the rule is about control characters.
  if (/[\u0000-\u001f\u007f]/.test(path) || !path.isWellFormed()) return false;
  return path.split("/").every((segment) => segment !== "" && segment !== "." && segment !== "..");
}

/** Percent-encodes each segment for a URL; slashes stay. */
export const encodePath = (path: string): string =>
  path.split("/").map(encodeURIComponent).join("/");

/** `a/b/c` → `["a/b/c", "a/b", "a"]`: every base path that could hold the path, longest first. */
export function pathPrefixes(path: string): string[] {
  const prefixes = [path];
  for (let cut = path.lastIndexOf("/"); cut > 0; cut = path.lastIndexOf("/", cut - 1)) {
    prefixes.push(path.slice(0, cut));
  }
  return prefixes;
}

/** Everything after the last slash. */
export const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
