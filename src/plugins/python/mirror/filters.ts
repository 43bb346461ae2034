import type { Filename } from "../format/filename.ts";
import { parseFilename } from "../format/filename.ts";
import type { IndexFile } from "../format/index-file.ts";
import { normalizeName } from "../format/names.ts";
import { isPrerelease, newestFirst } from "./releases.ts";
import { type MirrorRules, rulesOf } from "./rules.ts";

/** A file of a page with what its name says. */
export interface Candidate {
  readonly file: IndexFile;
  readonly parsed: Filename;
}

/**
 * The files of a page that belong to the project, each name once: the last entry of a name counts.
 *
 * @param name normalised.
 */
export function candidatesOf(name: string, files: readonly IndexFile[]): Candidate[] {
  const found = new Map<string, Candidate>();
  for (const file of files) {
    const parsed = parseFilename(file.filename);
    if (parsed && normalizeName(parsed.name) === name) found.set(file.filename, { file, parsed });
  }
  return [...found.values()];
}

/** The files that a remote wants of a project, filtered in the order of plugin-python §9 (3). */
export function wantedFiles(
  name: string,
  candidates: readonly Candidate[],
  rules: MirrorRules,
): Candidate[] {
  const lists = rulesOf(rules, name);
  const types = new Set(rules.packageTypes);
  const left = candidates.filter(
    ({ file, parsed }) =>
      !isForPlatforms(file.filename, parsed, rules.excludePlatforms) &&
      (types.size === 0 || types.has(parsed.packagetype)) &&
      (rules.prereleases || !isPrerelease(parsed.version)) &&
      lists.takes(parsed.version),
  );
  if (rules.keepLatest === 0) return left;
  const versions = newestFirst(left.map(({ parsed }) => parsed.version));
  const kept = new Set(versions.slice(0, rules.keepLatest));
  return left.filter(({ parsed }) => kept.has(parsed.version));
}

type PlatformTest = (filename: string, parsed: Filename) => boolean;

const PLATFORM_TESTS: Readonly<Record<string, PlatformTest>> = {
  windows: (filename, { packagetype }) =>
    packagetype === "bdist_wininst" || /win32|win[_-]amd64|win_arm64/.test(filename),
  macos: (filename) => filename.includes("macosx"),
  freebsd: (filename) => filename.includes("freebsd"),
  linux: (filename, parsed) => platformOf(filename, parsed).includes("linux"),
};

const isForPlatforms = (
  filename: string,
  parsed: Filename,
  platforms: readonly string[],
): boolean => platforms.some((platform) => PLATFORM_TESTS[platform]?.(filename, parsed) ?? false);

/** What follows name and version: a project may itself be called after a platform. */
const platformOf = (filename: string, { name, version }: Filename): string =>
  filename.slice(name.length + 1 + version.length);
