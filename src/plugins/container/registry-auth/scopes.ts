/** A right on something, as clients of a token server ask for it: `repository:foo/bar:pull,push`. */
export interface Scope {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/** What a user of the registry may be allowed: whoever may push may pull and delete. */
export type Right = "pull" | "push";

const MAX_SCOPES = 100;
const MAX_NAME = 512;

/**
 * Scopes that a client asks for; each value may hold several with spaces between them.
 * What is malformed is passed over, and so is what goes beyond a hundred.
 */
export function parsedScopes(values: readonly string[]): readonly Scope[] {
  const words = values.flatMap((value) => value.split(" ")).filter((word) => word !== "");
  const merged = new Map<string, { type: string; name: string; actions: Set<string> }>();
  for (const word of words.slice(0, MAX_SCOPES)) {
    const [type = "", name = "", actions = "", ...more] = word.split(":");
    if (type === "" || name === "" || name.length > MAX_NAME || more.length > 0) continue;
    if (word.split(":").length !== 3) continue;
    const key = `${type}:${name}`;
    const known = merged.get(key) ?? { type, name, actions: new Set<string>() };
    for (const action of actions.split(",")) if (action !== "") known.actions.add(action);
    merged.set(key, known);
  }
  return [...merged.values()].map((one) => ({ ...one, actions: [...one.actions] }));
}

/** Actions that mean the right to change something. */
const CHANGES: ReadonlySet<string> = new Set(["push", "delete", "*"]);

/** The least right that holds all of the actions; undefined if none of them is known. */
export function rightFor(actions: readonly string[]): Right | undefined {
  if (actions.some((action) => CHANGES.has(action))) return "push";
  return actions.includes("pull") ? "pull" : undefined;
}

/** Actions of an access entry for a right. */
export const actionsOf = (right: Right | undefined): readonly string[] =>
  right === "push" ? ["pull", "push"] : right === "pull" ? ["pull"] : [];

export const CATALOG: Scope = { type: "registry", name: "catalog", actions: ["*"] };

export const repositoryScope = (name: string, right: Right): Scope => ({
  type: "repository",
  name,
  actions: [right],
});

/** As the attribute of a challenge has it. */
export const scopeText = (scopes: readonly Scope[]): string =>
  scopes.map(({ type, name, actions }) => `${type}:${name}:${actions.join(",")}`).join(" ");
