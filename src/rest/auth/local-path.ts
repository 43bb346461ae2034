const MAX_PATH = 2048;

/**
 * A path on this host, ready for `Location`; undefined for anything that a browser could take for
 * an address elsewhere, however it is encoded (reliability T19, B40).
 */
export function localPath(text: unknown): string | undefined {
  if (typeof text !== "string" || text.length > MAX_PATH) return undefined;
  if (!isPlainPath(text) || !isPlainPath(decoded(text))) return undefined;
  if (!URL.canParse(text, BASE)) return undefined;
  const { origin, pathname, search, hash } = new URL(text, BASE);
  // Dots may have gone together in a way that leaves two slashes in front.
  return origin === BASE && isPlainPath(pathname) ? `${pathname}${search}${hash}` : undefined;
}

const BASE = "http://localhost";

/** One slash in front, no backslash, and none of the characters that browsers drop. */
const isPlainPath = (text: string | undefined): boolean =>
  text !== undefined && /^\/(?!\/)[^\\\p{Cc}]*$/u.test(text);

/** Until nothing is encoded any more; undefined if it is encoded in too many layers, or badly. */
function decoded(text: string): string | undefined {
  let last = text;
  for (let layer = 0; layer < 4; layer += 1) {
    const next = decodedOnce(last);
    if (next === undefined || next === last) return next;
    last = next;
  }
  return undefined;
}

function decodedOnce(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
