import { ALGORITHMS, type Algorithm, type Digests, isHexDigest } from "#base/digests.ts";
import type { ProjectFacts } from "./project-facts.ts";

/** One file that an upstream index lists. */
export interface IndexFile {
  /** Last part of the address; no slash, no control character. */
  readonly filename: string;
  /** Absolute, `http` or `https`, without query parameters of ours, fragment and credentials. */
  readonly url: string;
  /** Hex; algorithms that we do not know are left out. */
  readonly hashes: Digests;
  readonly requiresPython: string | null;
  /** Whether `<url>.metadata` exists (PEP 658), and its digest where it is told. */
  readonly coreMetadata: boolean | { readonly sha256: string };
  /** The reason, maybe empty; null is not yanked. */
  readonly yanked: string | null;
  readonly size: number | null;
  /** ISO 8601. */
  readonly uploadTime: string | null;
  /** Address of the provenance (PEP 740). */
  readonly provenance: string | null;
}

/** The page of one project. */
export interface ProjectPage {
  /** As the upstream spells it; null where the page does not say. */
  readonly name: string | null;
  /** Serial number of the project's last change, of indexes that count. */
  readonly lastSerial: number | null;
  readonly facts: ProjectFacts;
  readonly files: readonly IndexFile[];
}

/** One project of the root list. */
export interface ListedProject {
  readonly name: string;
  readonly lastSerial: number | null;
}

/** The digests that make sense, lower-case; junk is left out. */
export function digestsOf(pairs: Iterable<readonly [string, unknown]>): Digests {
  const found = new Map<string, unknown>(pairs);
  const digests: Partial<Record<Algorithm, string>> = {};
  for (const algorithm of ALGORITHMS) {
    const value = found.get(algorithm);
    const hex = typeof value === "string" ? value.toLowerCase() : "";
    if (isHexDigest(algorithm, hex)) digests[algorithm] = hex;
  }
  return digests;
}

/** Longest name of a file that is taken. */
const MOST_NAME = 512;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses.
const BAD_NAME = /[/\\\u0000-\u001f\u007f]/;

/** Whether a name can stand in a path and in a page; others are not listed at all. */
export const isFilename = (name: string): boolean =>
  name !== "" && name.length <= MOST_NAME && !BAD_NAME.test(name) && name !== "." && name !== "..";

/**
 * The address of a link without what is not sent or must not be kept; undefined for links that
 * lead nowhere: `data:`, `javascript:`, `file:` and nonsense.
 */
export function fileUrl(href: string, base: string): URL | undefined {
  const text = href.trim();
  if (!URL.canParse(text, base)) return undefined;
  const url = new URL(text, base);
  if (url.protocol !== "http:" && url.protocol !== "https:") return undefined;
  url.username = "";
  url.password = "";
  return url;
}

/** Last part of the path, decoded; undefined where it does not decode. */
export function lastPart(url: URL): string | undefined {
  const part = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
