import { matchesAny } from "./glob.ts";

/** What a remote takes of an upstream repository; empty lists filter nothing. */
export interface TagRules {
  /** Globs over tags, and whole digests. */
  readonly includes: readonly string[];
  readonly excludes: readonly string[];
}

export interface Selection {
  readonly tags: readonly string[];
  /** Manifests that are wanted without a tag. */
  readonly digests: readonly string[];
  /** Tags `sha256-<hex>…` that are wanted if what they are about is (plugin-container §5, 3). */
  readonly companions: readonly string[];
}

const DIGEST = /^sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})$/;
const COMPANION = /^sha256-([0-9a-f]{64})(?:\.[a-z]+)?$/;

/** Sorts the tags of an upstream by the filters of a remote. */
export function selectTags(all: readonly string[], { includes, excludes }: TagRules): Selection {
  if (includes.length === 0 && excludes.length === 0)
    return { tags: all, digests: [], companions: [] };
  const digests = [...new Set(includes.filter((each) => DIGEST.test(each)))];
  const globs = includes.filter((each) => !DIGEST.test(each));
  const isWanted = (tag: string): boolean =>
    includes.length === 0 || (globs.length > 0 && matchesAny(globs, tag));
  const left = all.filter((tag) => !matchesAny(excludes, tag));
  return {
    tags: left.filter((tag) => !tag.startsWith("sha256-") && isWanted(tag)),
    digests,
    companions: left.filter((tag) => COMPANION.test(tag)),
  };
}

/** The digest of the manifest that a companion tag is about. */
export function companionSubject(tag: string): string | undefined {
  const [, hex] = COMPANION.exec(tag) ?? [];
  return hex === undefined ? undefined : `sha256:${hex}`;
}
