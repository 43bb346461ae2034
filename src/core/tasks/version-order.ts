const PATTERN =
  /^v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(a|b|c|rc|alpha|beta|pre|preview)[-_.]?(\d*))?(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d*))?(?:[-_.]?(dev)[-_.]?(\d*))?(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?$/;

const PRE_RANK: Readonly<Record<string, number>> = { a: 0, alpha: 0, b: 1, beta: 1 };
const CANDIDATE = 2;

interface Version {
  readonly epoch: number;
  readonly release: readonly number[];
  /** What follows the release, each part before the next: dev, pre, nothing, post. */
  readonly suffix: readonly number[];
}

/**
 * Order of two PEP 440 versions; local parts (`+x`) do not matter.
 *
 * @returns negative, zero or positive, as for `sort`; undefined unless both are versions.
 */
export function compareVersions(left: string, right: string): number | undefined {
  const a = parseVersion(left);
  const b = parseVersion(right);
  if (!a || !b) return undefined;
  return (
    a.epoch - b.epoch ||
    compareLists(a.release, b.release, 0) ||
    compareLists(a.suffix, b.suffix, 0)
  );
}

/** Major, minor and patch of a version as one rising integer; 0 if it is not a version. */
export function releaseNumber(version: string): number {
  const [major = 0, minor = 0, patch = 0] = parseVersion(version)?.release ?? [];
  return Math.min(major, 2000) * 1_000_000 + Math.min(minor, 999) * 1000 + Math.min(patch, 999);
}

/** Whether every required component is there, in that version or a later one. */
export const satisfies = (
  required: Readonly<Record<string, string>>,
  provided: Readonly<Record<string, string>>,
): boolean =>
  Object.entries(required).every(([label, minimum]) => {
    const version = provided[label];
    return version !== undefined && (compareVersions(version, minimum) ?? -1) >= 0;
  });

function parseVersion(text: string): Version | undefined {
  const match = PATTERN.exec(text.trim().toLowerCase());
  if (!match) return undefined;
  const [, epoch, release = "", pre, preNumber, implicitPost, post, postNumber, dev, devNumber] =
    match;
  const isDevOnly = dev !== undefined && pre === undefined && !post && implicitPost === undefined;
  return {
    epoch: Number(epoch ?? 0),
    release: release.split(".").map(Number),
    suffix: [
      isDevOnly ? -1 : pre === undefined ? CANDIDATE + 1 : (PRE_RANK[pre] ?? CANDIDATE),
      pre === undefined ? 0 : Number(preNumber || 0),
      post || implicitPost !== undefined ? 1 + Number(implicitPost ?? (postNumber || 0)) : 0,
      dev === undefined ? Number.MAX_SAFE_INTEGER : Number(devNumber || 0),
    ],
  };
}

function compareLists(a: readonly number[], b: readonly number[], filler: number): number {
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const difference = (a[i] ?? filler) - (b[i] ?? filler);
    if (difference !== 0) return difference;
  }
  return 0;
}
