/** A line of `includes` or `excludes` of a remote. */
export interface ProjectRule {
  /** Normalised. */
  readonly name: string;
  /** Null takes every release. */
  readonly takes: ((version: string) => boolean) | null;
}

/** What a remote takes of an index (plugin-python §8). */
export interface MirrorRules {
  readonly includes: readonly ProjectRule[];
  readonly excludes: readonly ProjectRule[];
  readonly prereleases: boolean;
  /** Empty takes all. */
  readonly packageTypes: readonly string[];
  /** Releases per project; 0 keeps all. */
  readonly keepLatest: number;
  readonly excludePlatforms: readonly string[];
}

/** Rules of one project; several lines about it are alternatives. */
export interface RulesOfProject {
  /** No file of it can be wanted. */
  readonly isOut: boolean;
  /** Whether the lists let a release in. */
  takes(version: string): boolean;
}

/** What `includes` and `excludes` say about a project. */
export function rulesOf(
  { includes, excludes }: Pick<MirrorRules, "includes" | "excludes">,
  name: string,
): RulesOfProject {
  const wanted = includes.filter((rule) => rule.name === name);
  const unwanted = excludes.filter((rule) => rule.name === name);
  const isOut =
    (includes.length > 0 && wanted.length === 0) || unwanted.some(({ takes }) => takes === null);
  const isIn = (version: string) =>
    wanted.length === 0 || wanted.some(({ takes }) => takes === null || takes(version));
  return {
    isOut,
    takes: (version) =>
      !isOut && isIn(version) && !unwanted.some(({ takes }) => takes?.(version) ?? true),
  };
}
