import {
  compareBase,
  comparePublic,
  compareReleases,
  isPreOrDev,
  parseRelease,
  type Release,
} from "./pep440.ts";

type Test = (release: Release, bound: Release) => boolean;

/** PEP 440, "Version specifiers"; pre-releases match like others. */
const TESTS: Readonly<Record<string, Test>> = {
  "==": (release, bound) =>
    (bound.local ? compareReleases(release, bound) : comparePublic(release, bound)) === 0,
  "!=": (release, bound) =>
    (bound.local ? compareReleases(release, bound) : comparePublic(release, bound)) !== 0,
  "<=": (release, bound) => comparePublic(release, bound) <= 0,
  ">=": (release, bound) => comparePublic(release, bound) >= 0,
  "<": (release, bound) =>
    compareReleases(release, bound) < 0 &&
    !(isPreOrDev(release) && !isPreOrDev(bound) && compareBase(release, bound) === 0),
  ">": (release, bound) =>
    comparePublic(release, bound) > 0 &&
    !(release.post !== undefined && bound.post === undefined && compareBase(release, bound) === 0),
  "~=": (release, bound) =>
    comparePublic(release, bound) >= 0 && hasPrefix(release, bound, bound.written.length - 1),
};

/** A range of versions, or undefined if the text is none. */
export function parseRange(text: string): ((version: string) => boolean) | undefined {
  const tests = text.split(",").map((part) => parseOne(part.trim()));
  if (tests.includes(undefined)) return undefined;
  return (version) => tests.every((test) => test?.(version));
}

function parseOne(text: string): ((version: string) => boolean) | undefined {
  const [, operator = "", operand = ""] = /^(===|~=|==|!=|<=|>=|<|>)\s*(\S+)$/.exec(text) ?? [];
  if (operator === "===") return (version) => version.toLowerCase() === operand.toLowerCase();
  const isPrefix = operand.endsWith(".*") && (operator === "==" || operator === "!=");
  const bound = parseRelease(isPrefix ? operand.slice(0, -2) : operand);
  if (!bound || (operator === "~=" && bound.written.length < 2)) return undefined;
  if (isPrefix) {
    const wants = operator === "==";
    return of((release) => hasPrefix(release, bound, bound.written.length) === wants);
  }
  const test = TESTS[operator];
  return test && of((release) => test(release, bound));
}

/** What is no version is in no range. */
const of =
  (test: (release: Release) => boolean) =>
  (version: string): boolean => {
    const release = parseRelease(version);
    return release !== undefined && test(release);
  };

/** Whether the first numbers agree; numbers that were not written are zero. */
function hasPrefix(release: Release, bound: Release, length: number): boolean {
  if (release.epoch !== bound.epoch) return false;
  return bound.written
    .slice(0, length)
    .every((number, at) => (release.written[at] ?? 0) === number);
}
