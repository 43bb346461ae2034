import { isValidName, normalizeName } from "../format/names.ts";
import { mirrorErrors } from "./errors.ts";
import { compareReleases, isPreOrDev, parseRelease } from "./pep440.ts";
import type { ProjectRule } from "./rules.ts";
import { parseRange } from "./specifier.ts";

/** Whether a version is a pre-release or a development release (PEP 440); others are none. */
export function isPrerelease(version: string): boolean {
  const release = parseRelease(version);
  return release !== undefined && isPreOrDev(release);
}

/** Each version once, the greatest first; what is no version comes last. */
export function newestFirst(versions: readonly string[]): string[] {
  const parsed = [...new Set(versions)].map((text) => ({ text, release: parseRelease(text) }));
  const sorted = parsed.sort((a, b) => {
    if (a.release && b.release) return compareReleases(b.release, a.release);
    return Number(b.release !== undefined) - Number(a.release !== undefined);
  });
  return sorted.map(({ text }) => text);
}

const REQUIREMENT = /^([\w.-]+)\s*(?:\[[^\]]*\])?\s*(?:\(([^()]*)\)|([^;()]*))\s*(?:;.*)?$/s;

/**
 * A line of `includes` or `excludes`: a name with or without a range. Extras and markers say
 * nothing about which releases there are.
 *
 * @throws `mirrorErrors.rule`
 */
export function projectRule(line: string): ProjectRule {
  const [, name = "", bracketed, bare] = REQUIREMENT.exec(line.trim()) ?? [];
  const range = (bracketed ?? bare ?? "").trim();
  const takes = range === "" ? null : parseRange(range);
  if (!isValidName(name) || takes === undefined) throw mirrorErrors.rule(line);
  return { name: normalizeName(name), takes };
}
