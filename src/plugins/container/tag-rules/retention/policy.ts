import { matchesAny } from "../../mirror/glob.ts";
import { companionSubject } from "../../mirror/select.ts";
import { isTagGlob, MOST_TAG_GLOBS } from "../tag-globs.ts";

/** Tags that match go once every condition holds that is given. */
export interface RetentionRule {
  /** Globs. */
  readonly tags: readonly string[];
  /** So many of the newest that match stay. */
  readonly keepNewest: number | null;
  /** Since the tag has meant what it means. */
  readonly olderThanDays: number | null;
  /** Of a tag that nobody has pulled: since it was pushed. */
  readonly notPulledForDays: number | null;
}

/** What a repository does not keep. */
export interface RetentionPolicy {
  /** Globs over tags that stay whatever the rules say. */
  readonly keep: readonly string[];
  /** A tag goes if one of them says so. */
  readonly rules: readonly RetentionRule[];
  /** Manifests go that no tag, index or subject holds, and nobody pulls, for so long; null keeps them. */
  readonly untaggedOlderThanDays: number | null;
}

/** What is wrong with a policy that somebody gave, in a sentence. */
export class PolicyProblem extends Error {}

const MOST_RULES = 50;
/** Older than anything. */
const MOST_DAYS = 36_500;
const MOST_KEPT = 1_000_000;
/** What is pushed by its digest is untagged until the index comes that lists it. */
const LEAST_UNTAGGED_DAYS = 1;

type Given = Readonly<Record<string, unknown>>;

const CONDITIONS = ["keep_newest", "older_than_days", "not_pulled_for_days"] as const;

/**
 * Reads a policy as the wire has it: `{keep, rules: [{tags, keep_newest, older_than_days,
 * not_pulled_for_days}], untagged_older_than_days}`.
 *
 * @throws PolicyProblem
 */
export function retentionPolicyOf(value: unknown): RetentionPolicy {
  const given = objectOf(value, "The policy", ["keep", "rules", "untagged_older_than_days"]);
  const { rules = [] } = given;
  if (!Array.isArray(rules)) throw new PolicyProblem("rules has to be a list.");
  if (rules.length > MOST_RULES) throw new PolicyProblem(`There can be ${MOST_RULES} rules.`);
  const policy = {
    keep: globsOf(given.keep ?? [], "keep"),
    rules: rules.map((rule, index) => ruleOf(rule, `Rule ${index + 1}`)),
    untaggedOlderThanDays: numberOf(given, "untagged_older_than_days", {
      least: LEAST_UNTAGGED_DAYS,
      most: MOST_DAYS,
    }),
  };
  if (policy.rules.length === 0 && policy.untaggedOlderThanDays === null)
    throw new PolicyProblem("The policy needs rules, or untagged_older_than_days.");
  return policy;
}

function ruleOf(value: unknown, what: string): RetentionRule {
  const given = objectOf(value, what, ["tags", ...CONDITIONS]);
  const tags = globsOf(given.tags ?? [], `tags of ${what.toLowerCase()}`);
  if (tags.length === 0) throw new PolicyProblem(`${what} needs tags, such as ["*"].`);
  const days = { least: 0, most: MOST_DAYS };
  const rule = {
    tags,
    keepNewest: numberOf(given, "keep_newest", { least: 0, most: MOST_KEPT }),
    olderThanDays: numberOf(given, "older_than_days", days),
    notPulledForDays: numberOf(given, "not_pulled_for_days", days),
  };
  const hasCondition = CONDITIONS.some((name) => given[name] !== undefined && given[name] !== null);
  if (!hasCondition)
    throw new PolicyProblem(`${what} needs one of ${CONDITIONS.join(", ")}; 0 takes everything.`);
  return rule;
}

function objectOf(value: unknown, what: string, names: readonly string[]): Given {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new PolicyProblem(`${what} has to be an object.`);
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new PolicyProblem(`${what} knows no ${unknown}.`);
  return value as Given;
}

function globsOf(value: unknown, what: string): readonly string[] {
  const isList =
    Array.isArray(value) && value.length <= MOST_TAG_GLOBS && value.every((one) => isTagGlob(one));
  if (isList) return value as readonly string[];
  throw new PolicyProblem(
    `${what} has to be a list of at most ${MOST_TAG_GLOBS} patterns of tags.`,
  );
}

function numberOf(
  given: Given,
  name: string,
  { least, most }: { readonly least: number; readonly most: number },
): number | null {
  const value = given[name] ?? null;
  if (value === null) return null;
  const isFine = Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
  if (isFine) return Number(value);
  throw new PolicyProblem(`${name} has to be a whole number from ${least} to ${most}.`);
}

/** A tag of the latest version. */
export interface TagFacts {
  readonly name: string;
  /** Since when the tag has meant what it means. */
  readonly addedMs: number;
  /** The tag or its manifest; null if nobody was seen. */
  readonly pulledMs: number | null;
}

const DAY_MS = 86_400_000;

/**
 * Asked for every tag of a repository, newest first; says why a tag goes, or undefined. Companions of
 * images (`sha256-….sig`) are nobody's to judge: they go with what they are about.
 *
 * @param isKept tags that stay whatever the rules say.
 */
export function createSieve(
  { rules }: RetentionPolicy,
  { nowMs, isKept }: { readonly nowMs: number; readonly isKept: (tag: string) => boolean },
): (tag: TagFacts) => string | undefined {
  const seen = rules.map(() => 0);
  return ({ name, addedMs, pulledMs }) => {
    if (isKept(name) || companionSubject(name) !== undefined) return undefined;
    const ageDays = (nowMs - addedMs) / DAY_MS;
    const unusedDays = (nowMs - Math.max(addedMs, pulledMs ?? 0)) / DAY_MS;
    const reasons = rules.map((rule, index) => {
      if (!matchesAny(rule.tags, name)) return undefined;
      const place = (seen[index] ?? 0) + 1;
      seen[index] = place;
      return reasonOf(rule, { ageDays, unusedDays, place, number: index + 1 });
    });
    return reasons.find((reason) => reason !== undefined);
  };
}

interface Standing {
  readonly ageDays: number;
  readonly unusedDays: number;
  /** Among those that match, from 1 for the newest. */
  readonly place: number;
  readonly number: number;
}

function reasonOf(
  { keepNewest, olderThanDays, notPulledForDays }: RetentionRule,
  { ageDays, unusedDays, place, number }: Standing,
): string | undefined {
  if (keepNewest !== null && place <= keepNewest) return undefined;
  if (olderThanDays !== null && ageDays < olderThanDays) return undefined;
  if (notPulledForDays !== null && unusedDays < notPulledForDays) return undefined;
  const reasons = [
    ...(keepNewest === null ? [] : [`not among the newest ${keepNewest}`]),
    ...(olderThanDays === null ? [] : [`at least ${olderThanDays} days old`]),
    ...(notPulledForDays === null ? [] : [`not pulled for ${notPulledForDays} days`]),
  ];
  return `rule ${number}: ${reasons.join(", ")}`;
}
