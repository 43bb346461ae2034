import type { Ctx } from "#sdk";
import { matchesSome } from "../format/name-pattern.ts";
import { projectRule } from "../mirror/releases.ts";
import type { ProjectRule } from "../mirror/rules.ts";

/** What the owner of an index says about the projects in it. */
export interface IndexRules {
  /** Patterns of normalised names that no upstream is asked about. */
  readonly privateNames: readonly string[];
  /** Requirements; where there are some, nothing else is shown. */
  readonly allowed: readonly string[];
  /** Requirements of what is not shown. */
  readonly denied: readonly string[];
}

/** The rules of an index in a form that is quick to ask. Names are normalised. */
export interface RuleBook {
  readonly isEmpty: boolean;
  /** No upstream may be asked about the project. */
  isPrivate(name: string): boolean;
  /** Why a release is not shown; undefined where it is. */
  refusal(name: string, version: string): string | undefined;
  /** No release of the project can be shown. */
  isOut(name: string): boolean;
}

/** Books of so many indexes are kept by a process. */
const MOST_KEPT = 256;

const kept = new WeakMap<Ctx["hot"], Map<string, RuleBook>>();

/** @param of the distribution, and when it changed: its rules are read once. */
export function ruleBook(
  { hot }: Pick<Ctx, "hot">,
  of: { readonly id: string; readonly updated: string; readonly rules: IndexRules },
): RuleBook {
  if (isEmpty(of.rules)) return NO_RULES;
  const books = kept.get(hot) ?? new Map<string, RuleBook>();
  kept.set(hot, books);
  const key = `${of.id}\n${of.updated}`;
  const book = books.get(key) ?? readRules(of.rules);
  books.delete(key);
  books.set(key, book);
  const [oldest = ""] = books.keys();
  if (books.size > MOST_KEPT) books.delete(oldest);
  return book;
}

const isEmpty = ({ privateNames, allowed, denied }: IndexRules): boolean =>
  privateNames.length + allowed.length + denied.length === 0;

const NO_RULES: RuleBook = {
  isEmpty: true,
  isPrivate: () => false,
  refusal: () => undefined,
  isOut: () => false,
};

/** Lines of a rule that a reason names, and characters of each. */
const MOST_TOLD = 5;
const MOST_TEXT = 200;

const told = (lines: readonly Line[]): string =>
  lines
    .slice(0, MOST_TOLD)
    .map(({ text }) => text.slice(0, MOST_TEXT))
    .join(", ") + (lines.length > MOST_TOLD ? ", …" : "");

interface Line extends ProjectRule {
  readonly text: string;
}

/** The rules themselves, for those who have them at hand. */
export function readRules({ privateNames, allowed, denied }: IndexRules): RuleBook {
  const letIn = linesByName(allowed);
  const keptOut = linesByName(denied);
  const takes = ({ takes: test }: Line, version: string) => test?.(version) ?? true;
  return {
    isEmpty: false,
    isPrivate: (name) => matchesSome(privateNames, name),
    refusal(name, version) {
      const line = keptOut.get(name)?.find((one) => takes(one, version));
      if (line) return `this index denies ${told([line])}`;
      if (allowed.length === 0) return undefined;
      const lines = letIn.get(name) ?? [];
      if (lines.some((one) => takes(one, version))) return undefined;
      const only = lines.length === 0 ? "" : ` but ${told(lines)}`;
      return `this index allows nothing of ${name}${only}`;
    },
    isOut: (name) =>
      (allowed.length > 0 && !letIn.has(name)) ||
      (keptOut.get(name) ?? []).some((line) => line.takes === null),
  };
}

function linesByName(texts: readonly string[]): ReadonlyMap<string, readonly Line[]> {
  const lines = texts.map((text): Line => ({ text: text.trim(), ...projectRule(text) }));
  return Map.groupBy(lines, ({ name }) => name);
}
