import { type Field, FieldProblem, list } from "#sdk";
import { Malformed } from "../format/malformed.ts";
import { parseRequirement } from "../format/requirement.ts";

/**
 * A list of requirements of PEP 508; what it does not bring is empty.
 *
 * @param name key on the wire, which the text about a bad entry begins with.
 */
export const requirements = (name: string): Field =>
  list(
    { type: "string" },
    {
      absent: () => [],
      check: (values: readonly string[]) => {
        for (const value of values) checkRequirement(name, value);
        return values;
      },
    },
  );

function checkRequirement(name: string, value: string): void {
  try {
    parseRequirement(value);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new FieldProblem(`${name} specifier ${value} is invalid. ${error.message}`);
  }
}
