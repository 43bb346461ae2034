import { FieldProblem, list } from "#sdk";

/** A pattern over names, as the description has it. */
export const GLOB = { type: "string", minLength: 1, maxLength: 255 } as const;

/** Each is compared with each tag that a version changes. */
const MOST_GLOBS = 100;

function checkGlobs(patterns: readonly string[]): readonly string[] {
  if (patterns.length <= MOST_GLOBS) return patterns;
  throw new FieldProblem(`Ensure this field has no more than ${MOST_GLOBS} elements.`);
}

/** A list of patterns in a column of the detail table; a repository without a row has none. */
export const globColumn = (name: string) =>
  list(GLOB, { sql: `coalesce(d.${name}, '[]')`, check: checkGlobs });
