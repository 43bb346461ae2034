import type { Json } from "#base/json.ts";

/**
 * Writes JSON as Python does: `", "` and `": "` as separators, and `\uXXXX` in lower case for
 * everything beyond ASCII. Clients compare such texts as strings.
 *
 * Numbers are written as JSON writes them, which is what Python writes for whole ones.
 *
 * @see plugin-python §2.2
 */
export function pythonJson(value: Json): string {
  if (typeof value === "string") return pythonString(value);
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (isList(value)) return `[${value.map(pythonJson).join(", ")}]`;
  const members = Object.entries(value).map(
    ([key, member]) => `${pythonString(key)}: ${pythonJson(member)}`,
  );
  return `{${members.join(", ")}}`;
}

const pythonString = (text: string): string =>
  JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** `Array.isArray` does not tell read-only arrays from the other objects. */
const isList = (value: object): value is readonly Json[] => Array.isArray(value);
