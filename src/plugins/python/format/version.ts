/** A whole number that is not negative; a bigint only where a number would not be exact. */
export type Whole = number | bigint;

/** A version of PEP 440, taken apart. */
export interface Version {
  readonly epoch: Whole;
  /** `1.2.0` → `[1, 2, 0]` */
  readonly release: readonly Whole[];
  readonly pre?: { readonly phase: "a" | "b" | "rc"; readonly number: Whole };
  readonly post?: Whole;
  readonly dev?: Whole;
  /** `ubuntu.1` → `["ubuntu", 1]` */
  readonly local?: readonly (string | Whole)[];
}

/** Longer texts are no versions. */
const MAX_LENGTH = 4096;

const SPACE = "[ \\t\\n\\v\\f\\r]*";
const VERSION = new RegExp(
  `^${SPACE}v?(?:(?<epoch>[0-9]+)!)?(?<release>[0-9]+(?:\\.[0-9]+)*)` +
    "(?:[-_.]?(?<phase>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?<pre>[0-9]+)?)?" +
    "(?:-(?<implicit>[0-9]+)|[-_.]?(?<word>post|rev|r)[-_.]?(?<post>[0-9]+)?)?" +
    "(?:[-_.]?(?<devWord>dev)[-_.]?(?<dev>[0-9]+)?)?" +
    `(?:\\+(?<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?${SPACE}$`,
  "i",
);

const PHASES: Readonly<Record<string, "a" | "b" | "rc">> = {
  alpha: "a",
  a: "a",
  beta: "b",
  b: "b",
  preview: "rc",
  pre: "rc",
  c: "rc",
  rc: "rc",
};

/**
 * Reads a version in any of its spellings.
 *
 * @returns undefined if it is none, as many that are older than PEP 440.
 * @see PEP 440, appendix B
 */
export function parseVersion(text: string): Version | undefined {
  const groups = text.length > MAX_LENGTH ? undefined : VERSION.exec(text)?.groups;
  if (groups === undefined) return undefined;
  const phase = PHASES[groups.phase?.toLowerCase() ?? ""];
  const post = groups.implicit ?? groups.post;
  return {
    epoch: whole(groups.epoch),
    release: (groups.release ?? "").split(".").map(whole),
    ...(phase && { pre: { phase, number: whole(groups.pre) } }),
    ...((post ?? groups.word) !== undefined && { post: whole(post) }),
    ...(groups.devWord !== undefined && { dev: whole(groups.dev) }),
    ...(groups.local !== undefined && { local: localOf(groups.local) }),
  };
}

/** Sixteen digits may be too many for a number. */
function whole(digits = "0"): Whole {
  const plain = digits.replace(/^0+(?=.)/, "");
  return plain.length < 16 ? Number(plain) : BigInt(plain);
}

const localOf = (text: string): readonly (string | Whole)[] =>
  text
    .toLowerCase()
    .split(/[-_.]/)
    .map((part) => (/^\d+$/.test(part) ? whole(part) : part));

/** The one spelling of a version that all others are equal to (PEP 440, "Normalization"). */
export function versionText(version: Version): string {
  const { epoch, pre, post, dev, local } = version;
  return [
    Number(epoch) === 0 ? "" : `${epoch}!`,
    version.release.join("."),
    pre ? `${pre.phase}${pre.number}` : "",
    post === undefined ? "" : `.post${post}`,
    dev === undefined ? "" : `.dev${dev}`,
    local ? `+${local.join(".")}` : "",
  ].join("");
}

/** Whether it comes before a release: alpha, beta, candidate, or under development. */
export const isPrerelease = (version: Version): boolean =>
  version.pre !== undefined || version.dev !== undefined;

/** Negative, 0 or positive; versions that differ in zeros at the end of the release are equal. */
export function compareVersions(a: Version, b: Version): number {
  return (
    compare(a.epoch, b.epoch) ||
    compareReleases(a.release, b.release) ||
    compare(phaseRank(a), phaseRank(b)) ||
    compare(a.pre?.number ?? 0, b.pre?.number ?? 0) ||
    compare(a.post ?? -1, b.post ?? -1) ||
    compare(a.dev ?? Number.POSITIVE_INFINITY, b.dev ?? Number.POSITIVE_INFINITY) ||
    compareLocals(a.local, b.local)
  );
}

const compare = (a: Whole, b: Whole): number => (a < b ? -1 : Number(a > b));

/** Compares releases as if both had as many parts. */
export function compareReleases(a: readonly Whole[], b: readonly Whole[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const order = compare(a[at] ?? 0, b[at] ?? 0);
    if (order !== 0) return order;
  }
  return 0;
}

const RANKS = { a: 1, b: 2, rc: 3 };
const RELEASED = 4;

/** Development of the release itself comes before its first alpha. */
function phaseRank({ pre, post, dev }: Version): number {
  if (pre) return RANKS[pre.phase];
  return dev !== undefined && post === undefined ? 0 : RELEASED;
}

type Local = Version["local"];

/** None comes first, then texts, then numbers; a shorter one before what it begins. */
function compareLocals(a: Local, b: Local): number {
  if (!a || !b) return Number(a !== undefined) - Number(b !== undefined);
  for (const [at, part] of a.entries()) {
    const other = b[at];
    if (other === undefined) return 1;
    const order = compareParts(part, other);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareParts(a: string | Whole, b: string | Whole): number {
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : Number(a > b);
  if (typeof a === "string") return -1;
  return typeof b === "string" ? 1 : compare(a, b);
}

/** Texts by their versions, the lowest first; behind them those that are none, by their text. */
export function sortVersions(texts: readonly string[]): string[] {
  return texts
    .map((text) => ({ text, version: parseVersion(text) }))
    .sort((a, b) => {
      if (a.version && b.version) return compareVersions(a.version, b.version);
      if (a.version || b.version) return a.version ? -1 : 1;
      return a.text < b.text ? -1 : Number(a.text > b.text);
    })
    .map(({ text }) => text);
}
