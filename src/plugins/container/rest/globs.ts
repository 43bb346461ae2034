import { FieldProblem, list } from "#sdk";
import { isTagGlob, MOST_TAG_GLOBS } from "../tag-rules/tag-globs.ts";

/** A pattern over names, as the description has it. */
export const GLOB = { type: "string", minLength: 1, maxLength: 255 } as const;

function checkGlobs(patterns: readonly string[]): readonly string[] {
  if (patterns.length > MOST_TAG_GLOBS)
    throw new FieldProblem(`Ensure this field has no more than ${MOST_TAG_GLOBS} elements.`);
  if (patterns.every(isTagGlob)) return patterns;
  throw new FieldProblem("A pattern of tags has no spaces, and no other characters than ASCII.");
}

/** A list of patterns of tags in a column of the detail table; without a row there are none. */
export const globColumn = (name: string) =>
  list(GLOB, { sql: `coalesce(d.${name}, '[]')`, check: checkGlobs });
