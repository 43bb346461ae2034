import {
  compareReleases,
  compareVersions,
  isPrerelease,
  parseVersion,
  type Version,
} from "./version.ts";

/** One condition on a version. */
export interface Specifier {
  readonly operator: "~=" | "==" | "!=" | "<=" | ">=" | "<" | ">" | "===";
  /** As written, without white space. */
  readonly text: string;
  /** Missing for `===`, which compares texts. */
  readonly version?: Version;
  /** `==1.*`: any version that begins like this. */
  readonly isPrefix: boolean;
}

/** Conditions that must all hold; none is always true. */
export type SpecifierSet = readonly Specifier[];

/** Longer texts are refused. */
const MAX_LENGTH = 65_536;

/**
 * Reads conditions with commas between them; the empty text has none.
 *
 * @returns undefined if one of them is not valid.
 * @see PEP 440, "Version specifiers"
 */
export function parseSpecifiers(text: string): SpecifierSet | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const specifiers: Specifier[] = [];
  for (const part of text.split(",")) {
    if (part.trim() === "") continue;
    const specifier = parseSpecifier(part);
    if (specifier === undefined) return undefined;
    specifiers.push(specifier);
  }
  return specifiers;
}

const OPERATOR = /^\s*(~=|===|==|!=|<=|>=|<|>)\s*(\S*)\s*$/;

/** One condition; undefined if it is not valid. */
export function parseSpecifier(part: string): Specifier | undefined {
  const [, operator, text = ""] = OPERATOR.exec(part) ?? [];
  switch (operator) {
    case undefined:
      return undefined;
    case "===":
      return /^[^;)]*$/.test(text) ? { operator, text, isPrefix: false } : undefined;
    case "==":
    case "!=":
      return text.endsWith(".*") ? prefixed(operator, text) : versioned(operator, text, true);
    case "~=": {
      const specifier = versioned(operator, text, false);
      return (specifier?.version?.release.length ?? 0) > 1 ? specifier : undefined;
    }
    default:
      return versioned(operator as "<=" | ">=" | "<" | ">", text, false);
  }
}

function versioned(
  operator: Specifier["operator"],
  text: string,
  mayBeLocal: boolean,
): Specifier | undefined {
  const version = parseVersion(text);
  if (!version || (version.local && !mayBeLocal)) return undefined;
  return { operator, text, version, isPrefix: false };
}

/** Only an epoch and a release may stand before the asterisk. */
function prefixed(operator: Specifier["operator"], text: string): Specifier | undefined {
  const stem = text.slice(0, -2);
  const version = /^v?(?:\d+!)?\d+(?:\.\d+)*$/i.test(stem) ? parseVersion(stem) : undefined;
  return version && { operator, text, version, isPrefix: true };
}

/**
 * Whether a version meets all conditions.
 *
 * @param version text; one that is not of PEP 440 meets `===` only.
 * @param options whether versions before a release are let in; where not, even those that a
 *   condition names are left out.
 */
export function contains(
  set: SpecifierSet,
  version: string,
  options: { readonly prereleases: boolean },
): boolean {
  const parsed = parseVersion(version);
  if (parsed && !options.prereleases && isPrerelease(parsed)) return false;
  return set.every((specifier) => {
    if (specifier.version === undefined)
      return version.toLowerCase() === specifier.text.toLowerCase();
    return parsed !== undefined && isMet(specifier, specifier.version, parsed);
  });
}

function isMet({ operator, isPrefix }: Specifier, wanted: Version, version: Version): boolean {
  switch (operator) {
    case "==":
      return isEqual(wanted, version, isPrefix);
    case "!=":
      return !isEqual(wanted, version, isPrefix);
    case "~=":
      return (
        compareVersions(publicPart(version), wanted) >= 0 &&
        hasPrefix(version, { ...wanted, release: wanted.release.slice(0, -1) })
      );
    case "<=":
      return compareVersions(publicPart(version), wanted) <= 0;
    case ">=":
      return compareVersions(publicPart(version), wanted) >= 0;
    case "<":
      return isBefore(version, wanted);
    case ">":
      return isAfter(version, wanted);
    case "===":
      return false;
  }
}

function isEqual(wanted: Version, version: Version, isPrefix: boolean): boolean {
  if (isPrefix) return hasPrefix(version, wanted);
  // A condition without a local part does not look at it.
  return compareVersions(wanted.local ? version : publicPart(version), wanted) === 0;
}

function hasPrefix(version: Version, prefix: Version): boolean {
  const { length } = prefix.release;
  return (
    version.epoch === prefix.epoch &&
    compareReleases(version.release.slice(0, length), prefix.release) === 0
  );
}

/** `<1.0` leaves out what comes before 1.0 itself, unless it names such a one. */
const isBefore = (version: Version, wanted: Version): boolean =>
  compareVersions(version, isPrerelease(wanted) ? wanted : { ...wanted, dev: 0 }) < 0;

/** `>1.0` leaves out 1.0.post1 and 1.0+local, which are still 1.0. */
function isAfter(version: Version, wanted: Version): boolean {
  const { post, dev, ...start } = publicPart(version);
  const isAmended =
    post !== undefined && wanted.post === undefined && compareVersions(start, wanted) === 0;
  return compareVersions(publicPart(version), wanted) > 0 && !isAmended;
}

function publicPart(version: Version): Version {
  const { local, ...rest } = version;
  return local ? rest : version;
}
