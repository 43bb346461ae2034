/** A version of PEP 440 in a form that compares. */
export interface Release {
  readonly epoch: number;
  /** Without zeros at the end. */
  readonly numbers: readonly number[];
  /** As many as were written: `1.0.*` is not `1.*`. */
  readonly written: readonly number[];
  readonly pre: readonly [letter: string, number: number] | undefined;
  readonly post: number | undefined;
  readonly dev: number | undefined;
  readonly local: readonly (number | string)[] | undefined;
}

const VERSION =
  /^v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?(\d*))?(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d*))?(?:[-_.]?(dev)[-_.]?(\d*))?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$/;

const LETTERS: Readonly<Record<string, string>> = {
  alpha: "a",
  beta: "b",
  c: "rc",
  pre: "rc",
  preview: "rc",
};
/** Longest text that can be a version. */
const MOST_CHARACTERS = 256;

/** @returns undefined for what is no version; many old ones are none. */
export function parseRelease(text: string): Release | undefined {
  if (text.length > MOST_CHARACTERS) return undefined;
  const match = VERSION.exec(text.trim().toLowerCase());
  if (!match) return undefined;
  const [, epoch = "0", numbers = "", letter, pre, dash, post, postNumber, dev, devNumber, local] =
    match;
  const written = numbers.split(".").map(Number);
  const lastUsed = written.findLastIndex((number) => number !== 0);
  return {
    epoch: Number(epoch),
    written,
    numbers: written.slice(0, lastUsed + 1),
    pre: letter === undefined ? undefined : [LETTERS[letter] ?? letter, Number(pre ?? 0)],
    post:
      dash !== undefined ? Number(dash) : post === undefined ? undefined : Number(postNumber ?? 0),
    dev: dev === undefined ? undefined : Number(devNumber ?? 0),
    local: local?.split(/[-_.]/).map((part) => (/^\d+$/.test(part) ? Number(part) : part)),
  };
}

export const isPreOrDev = ({ pre, dev }: Release): boolean =>
  pre !== undefined || dev !== undefined;

/** Negative if `a` is older than `b`. */
export function compareReleases(a: Release, b: Release): number {
  return comparePublic(a, b) || compareLocal(a.local, b.local);
}

/** The same without the part behind `+`. */
export const comparePublic = (a: Release, b: Release): number =>
  compareBase(a, b) ||
  compareLists(preKey(a), preKey(b)) ||
  (a.post ?? -1) - (b.post ?? -1) ||
  compareNumbers(a.dev ?? Number.POSITIVE_INFINITY, b.dev ?? Number.POSITIVE_INFINITY);

/** Epoch and numbers alone. */
export const compareBase = (a: Release, b: Release): number =>
  a.epoch - b.epoch || compareLists(a.numbers, b.numbers);

/** A development release without anything else comes before the first alpha. */
function preKey({ pre, post, dev }: Release): readonly (string | number)[] {
  if (pre) return pre;
  return post === undefined && dev !== undefined ? ["", 0] : ["z", 0];
}

function compareLocal(a: Release["local"], b: Release["local"]): number {
  if (!a || !b) return Number(a !== undefined) - Number(b !== undefined);
  return compareLists(a, b);
}

/** Element by element; the longer list is the greater one. */
function compareLists(a: readonly (number | string)[], b: readonly (number | string)[]): number {
  for (const [index, left] of a.entries()) {
    const right = b[index];
    if (right === undefined) return 1;
    if (left !== right) return compareParts(left, right);
  }
  return a.length < b.length ? -1 : 0;
}

/** Numbers are above words. */
function compareParts(a: number | string, b: number | string): number {
  if (typeof a === typeof b) return a < b ? -1 : 1;
  return typeof a === "number" ? 1 : -1;
}

/** Infinity less infinity is no number. */
const compareNumbers = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1);
