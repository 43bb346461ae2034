import type { Visit } from "./visit.ts";
import { queryOf } from "./visit.ts";

const DEFAULT = 100;
const MOST = 1000;

/** What a client asks for of a sorted list of names (plugin-container §7.8). */
export interface Page {
  /** 0 is a page without names. */
  readonly size: number;
  /** Names after this one; it need not exist. */
  readonly last: string;
}

export function pageOf(visit: Visit): Page {
  const query = queryOf(visit);
  const given = query.get("n") ?? "";
  const n = /^-?\d+$/.test(given) ? Number(given) : DEFAULT;
  // The database holds no NUL, so no name comes after one.
  const last = (query.get("last") ?? "").replaceAll("\0", "");
  return { size: Math.max(0, Math.min(n, MOST)), last };
}

/** `Link` to the next page if more than this page's names were found. */
export function pageLinks(
  { exchange }: Visit,
  { size }: Page,
  found: readonly string[],
): { readonly names: readonly string[]; readonly headers: Readonly<Record<string, string>> } {
  const names = found.slice(0, size);
  const last = names.at(-1);
  if (found.length <= size || last === undefined) return { names, headers: {} };
  const query = new URLSearchParams({ n: String(size), last });
  return { names, headers: { Link: `<${exchange.rawPath}?${query}>; rel="next"` } };
}
