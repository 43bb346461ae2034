import { type Field, FieldProblem } from "./resource.ts";
import type { JsonSchema } from "./schema.ts";

const YES = new Set(["true", "1", "yes", "on", "y", "t"]);
const NO = new Set(["false", "0", "no", "off", "n", "f"]);

/**
 * Turns a value of a form into what JSON would have said (core-rest §2.1): numbers and booleans from
 * their texts, null from an empty text where null is welcome, maps from JSON text.
 *
 * @param given a text, or the texts of a repeated key.
 */
export function coerceForm(given: unknown, field: Field): unknown {
  if (given === undefined) return undefined;
  const { schema } = field;
  if (schema.type === "array") return listOf(given, schema);
  const last = Array.isArray(given) ? given.at(-1) : given;
  if (typeof last !== "string") return last;
  if (last === "" && field.nullable) return null;
  return coerceText(last, schema);
}

function listOf(given: unknown, { items = {} }: JsonSchema): unknown {
  const texts = Array.isArray(given) ? given : [given];
  const [only] = texts;
  if (texts.length === 1 && typeof only === "string" && only.trim().startsWith("["))
    return fromJson(only);
  return texts.map((text) => (typeof text === "string" ? coerceText(text, items) : text));
}

function coerceText(text: string, schema: JsonSchema): unknown {
  switch (schema.type) {
    case "integer":
    case "number":
      return /^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(text) ? Number(text) : text;
    case "boolean":
      return coerceBoolean(text);
    case "object":
      return fromJson(text);
    default:
      return text;
  }
}

function coerceBoolean(text: string): unknown {
  const word = text.trim().toLowerCase();
  if (YES.has(word)) return true;
  return NO.has(word) ? false : text;
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new FieldProblem("Value must be valid JSON.");
  }
}
