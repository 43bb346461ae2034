import type { JsonObject } from "#base/json.ts";
import type { Field } from "./resource.ts";
import type { JsonSchema } from "./schema.ts";
import { isTime } from "./time.ts";

/** Depth of free JSON in a body; more is refused before anything walks it. */
const MAX_DEPTH = 64;

type Problem = string | JsonObject | undefined;

/** Says what is wrong with a value that is neither absent nor null, in the wire's words. */
export function problemOf(value: unknown, field: Field): Problem {
  if (field.relation && field.schema.type === "string") {
    if (typeof value !== "string")
      return `Incorrect type. Expected URL string, received ${typeName(value)}.`;
  }
  return schemaProblem(value, field.accepts ?? field.schema, field.blank === true);
}

function schemaProblem(value: unknown, schema: JsonSchema, blank: boolean): Problem {
  switch (schema.type) {
    case "string":
      return schema.format === "binary" ? fileProblem(value) : textProblem(value, schema, blank);
    case "integer":
      return Number.isSafeInteger(value)
        ? rangeProblem(value as number, schema)
        : "A valid integer is required.";
    case "number":
      return Number.isFinite(value)
        ? rangeProblem(value as number, schema)
        : "A valid number is required.";
    case "boolean":
      return typeof value === "boolean" ? undefined : "Must be a valid boolean.";
    case "array":
      return listProblem(value, schema, blank);
    case "object":
      return mapProblem(value, schema);
    default:
      return depth(value) > MAX_DEPTH ? "Nested too deeply." : undefined;
  }
}

function textProblem(value: unknown, schema: JsonSchema, blank: boolean): Problem {
  if (typeof value !== "string") return "Not a valid string.";
  if (!value.isWellFormed() || value.includes("\0")) return "Null characters are not allowed.";
  if (schema.enum)
    return schema.enum.includes(value) ? undefined : `"${value}" is not a valid choice.`;
  if (value === "" && !blank) return "This field may not be blank.";
  if (schema.maxLength !== undefined && value.length > schema.maxLength) {
    return `Ensure this field has no more than ${schema.maxLength} characters.`;
  }
  if (schema.format === "date-time") return dateProblem(value);
  if (schema.format === "email" && value !== "") return emailProblem(value);
  if (schema.pattern !== undefined && !new RegExp(schema.pattern).test(value))
    return patternProblem(schema);
  return undefined;
}

const patternProblem = ({ title }: JsonSchema): string =>
  title === "slug"
    ? 'Enter a valid "slug" consisting of letters, numbers, underscores or hyphens.'
    : "This value does not match the required pattern.";

const DATE = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?$/i;
const DATE_TEXT =
  "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].";

const dateProblem = (value: string): Problem =>
  DATE.test(value) && isTime(value) ? undefined : DATE_TEXT;

const emailProblem = (value: string): Problem =>
  /^[^\s@]{1,64}@[^\s@.]+(\.[^\s@.]+)+$/.test(value) && value.length <= 254
    ? undefined
    : "Enter a valid email address.";

function rangeProblem(value: number, { minimum, maximum }: JsonSchema): Problem {
  if (minimum !== undefined && value < minimum) {
    return `Ensure this value is greater than or equal to ${minimum}.`;
  }
  if (maximum !== undefined && value > maximum) {
    return `Ensure this value is less than or equal to ${maximum}.`;
  }
  return undefined;
}

function listProblem(value: unknown, { items = {} }: JsonSchema, blank: boolean): Problem {
  if (!Array.isArray(value)) return `Expected a list of items but got type "${typeName(value)}".`;
  const problems = value.map((item, index) => [index, schemaProblem(item, items, blank)] as const);
  const wrong = problems.filter(([, problem]) => problem !== undefined);
  if (wrong.length === 0) return undefined;
  return Object.fromEntries(
    wrong.map(([index, problem]) => [
      index,
      typeof problem === "string" ? [problem] : (problem ?? {}),
    ]),
  );
}

function mapProblem(value: unknown, { additionalProperties: items }: JsonSchema): Problem {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return `Expected a dictionary of items but got type "${typeName(value)}".`;
  }
  if (depth(value) > MAX_DEPTH) return "Nested too deeply.";
  if (typeof items !== "object") return undefined;
  for (const [key, item] of Object.entries(value)) {
    if (item === null && items.nullable) continue;
    const problem = schemaProblem(item, items, true);
    if (problem !== undefined) return { [key]: typeof problem === "string" ? [problem] : problem };
  }
  return undefined;
}

function fileProblem(value: unknown): Problem {
  const isFile = typeof value === "object" && value !== null && Symbol.asyncDispose in value;
  if (isFile) return undefined;
  return "The submitted data was not a file. Check the encoding type on the form.";
}

/** Names of types as the wire's messages have them. */
export function typeName(value: unknown): string {
  if (value === null) return "NoneType";
  if (Array.isArray(value)) return "list";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float";
  return typeof value === "string" ? "str" : "dict";
}

function depth(value: unknown, limit = MAX_DEPTH + 1): number {
  if (typeof value !== "object" || value === null || limit === 0) return 0;
  let deepest = 0;
  for (const item of Object.values(value)) deepest = Math.max(deepest, depth(item, limit - 1));
  return deepest + 1;
}
