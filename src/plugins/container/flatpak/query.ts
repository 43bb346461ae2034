/** What a client of the index asks for; empty lists ask for everything (plugin-container §8). */
export interface FlatpakQuery {
  readonly repositories: readonly string[];
  readonly tags: readonly string[];
  readonly systems: readonly string[];
  readonly architectures: readonly string[];
  readonly labels: Conditions;
  readonly annotations: Conditions;
}

export interface Conditions {
  /** Names that have to be there. */
  readonly present: readonly string[];
  /** Values of which one has to be there, by name. */
  readonly values: Readonly<Record<string, readonly string[]>>;
}

/** The text says what is wrong. */
export class FlatpakProblem extends Error {}

const MANDATORY = "label:org.flatpak.ref:exists";
const LISTS = ["repository", "tag", "os", "architecture"] as const;
const KINDS = ["label", "annotation"] as const;
const MAX_CONDITIONS = 100;

/** @throws `FlatpakProblem` */
export function flatpakQuery(given: URLSearchParams): FlatpakQuery {
  if (given.getAll(MANDATORY).at(-1) !== "1") {
    throw new FlatpakProblem(`Missing ${MANDATORY}=1.`);
  }
  if (given.size > MAX_CONDITIONS) throw new FlatpakProblem("Too many conditions.");
  const unknown = [...given.keys()].find((key) => !isList(key) && !conditionOf(key));
  if (unknown !== undefined) throw new FlatpakProblem(`Unsupported ${unknown}.`);
  const [repositories, tags, systems, architectures] = LISTS.map((key) => given.getAll(key));
  const [labels, annotations] = KINDS.map((kind) => conditions(given, kind));
  return {
    repositories: repositories ?? [],
    tags: tags ?? [],
    systems: systems ?? [],
    architectures: architectures ?? [],
    labels: labels ?? NONE,
    annotations: annotations ?? NONE,
  };
}

const NONE: Conditions = { present: [], values: {} };

const isList = (key: string): boolean => LISTS.some((name) => name === key);

function conditionOf(key: string) {
  const [, kind, rest = ""] = /^(label|annotation):(.+)$/s.exec(key) ?? [];
  if (kind === undefined) return undefined;
  const isPresence = rest.endsWith(":exists") && rest.length > ":exists".length;
  return { kind, isPresence, name: isPresence ? rest.slice(0, -":exists".length) : rest };
}

function conditions(given: URLSearchParams, wanted: string): Conditions {
  const present = new Set<string>();
  const values: Record<string, readonly string[]> = Object.create(null);
  for (const key of new Set(given.keys())) {
    const condition = conditionOf(key);
    if (condition?.kind !== wanted) continue;
    const all = given.getAll(key);
    if (!condition.isPresence) values[condition.name] = all;
    else if (all.every((value) => value === "1")) present.add(condition.name);
    else throw new FlatpakProblem(`${key} must have value 1.`);
  }
  return { present: [...present], values };
}
