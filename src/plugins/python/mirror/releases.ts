import { Malformed } from "../format/malformed.ts";
import { normalizeName } from "../format/names.ts";
import { parseRequirement } from "../format/requirement.ts";
import { contains } from "../format/specifier.ts";
import * as pep440 from "../format/version.ts";
import { mirrorErrors } from "./errors.ts";
import type { ProjectRule } from "./rules.ts";

/** Whether a version is a pre-release or a development release (PEP 440); others are none. */
export function isPrerelease(version: string): boolean {
  const parsed = pep440.parseVersion(version);
  return parsed !== undefined && pep440.isPrerelease(parsed);
}

/** Each version once, the greatest first; what is no version comes last. */
export function newestFirst(versions: readonly string[]): string[] {
  const distinct = [...new Set(versions)];
  const valid = distinct.filter((version) => pep440.parseVersion(version) !== undefined);
  const others = distinct.filter((version) => pep440.parseVersion(version) === undefined);
  return [...pep440.sortVersions(valid).toReversed(), ...others];
}

/**
 * A line of `includes` or `excludes`: a name with or without a range. Extras, markers and an address
 * say nothing about which releases there are.
 *
 * @throws `mirrorErrors.rule`
 */
export function projectRule(line: string): ProjectRule {
  const { name, specifiers } = requirement(line);
  const takes =
    specifiers.length === 0
      ? null
      : (version: string) => contains(specifiers, version, { prereleases: true });
  return { name: normalizeName(name), takes };
}

function requirement(line: string): ReturnType<typeof parseRequirement> {
  try {
    return parseRequirement(line);
  } catch (error) {
    if (error instanceof Malformed) throw mirrorErrors.rule(line);
    throw error;
  }
}
