import { parse as parseToml, TomlDate } from "smol-toml";

/** A change of what lower layers say, instead of a value (core-tasks-ops §17). */
export type Change =
  | { readonly change: "merge"; readonly value: unknown; readonly isUnique: boolean }
  | { readonly change: "insert"; readonly index: number; readonly value: unknown }
  | { readonly change: "delete" }
  | { readonly change: "keep" }
  | { readonly change: "reset"; readonly value: unknown }
  | { readonly change: "format"; readonly template: string };

/** Marks changes among values that come from files and the environment. */
export class Pending {
  readonly change: Change;

  constructor(change: Change) {
    this.change = change;
  }
}

export class ValueError extends Error {}

const TRUE = ["t", "true", "enabled", "1", "on", "yes"];

type Cast = (rest: string) => unknown;

const casts: Readonly<Record<string, Cast>> = {
  "@str": (rest) => rest,
  "@int": (rest) => number(rest, /^[+-]?\d+$/, "an integer"),
  "@float": (rest) => number(rest, /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i, "a number"),
  "@bool": (rest) => TRUE.includes(rest.trim().toLowerCase()),
  "@json": json,
  "@none": () => null,
  "@empty": () => new Pending({ change: "keep" }),
  "@del": () => new Pending({ change: "delete" }),
  "@reset": (rest) => new Pending({ change: "reset", value: parseValue(rest) }),
  "@merge": (rest) => new Pending({ change: "merge", value: mergeable(rest), isUnique: false }),
  "@merge_unique": (rest) =>
    new Pending({ change: "merge", value: mergeable(rest), isUnique: true }),
  "@insert": insertion,
  "@format": (template) => new Pending({ change: "format", template }),
  "@jinja": () => {
    throw new ValueError("@jinja is not supported; use @format");
  },
};

/**
 * Reads the text of an environment variable: a cast, a TOML literal, or else the text itself.
 *
 * @throws `ValueError` with the rest of a sentence when a cast cannot be done
 */
export function parseValue(text: string): unknown {
  const cast = parseCast(text);
  return cast === undefined ? parseLiteral(text) : cast.value;
}

/** Only the casts: for texts inside files, whose types the file has told already. */
export function castValue(text: string): unknown {
  const cast = parseCast(text);
  return cast === undefined ? text : cast.value;
}

function parseCast(text: string): { readonly value: unknown } | undefined {
  const [, name, rest] = /^(@[a-z_]+)(?:\s+([\s\S]*))?$/.exec(text) ?? [];
  const cast = name === undefined ? undefined : casts[name];
  return cast && { value: cast(rest ?? "") };
}

function parseLiteral(text: string): unknown {
  const trimmed = text.trim();
  if (/^(true|false)$/i.test(trimmed)) return trimmed.toLowerCase() === "true";
  // A line break would let one value define others.
  if (trimmed === "" || /[\r\n]/.test(trimmed)) return text;
  try {
    const { value } = parseToml(`value = ${trimmed}`);
    return value instanceof TomlDate ? text : value;
  } catch {
    return text;
  }
}

function number(rest: string, pattern: RegExp, what: string): number {
  const text = rest.trim().replaceAll("_", "");
  if (!pattern.test(text)) throw new ValueError(`'${rest}' is not ${what}`);
  return Number(text);
}

function json(rest: string): unknown {
  try {
    return JSON.parse(rest);
  } catch (error) {
    throw new ValueError(`the JSON text cannot be read: ${(error as Error).message}`);
  }
}

/** What `@merge` takes: a list or map, `a,b`, `k=v, l=w`, or one value. */
function mergeable(rest: string): unknown {
  const value = parseValue(rest);
  if (typeof value !== "string") return isContainer(value) ? value : [value];
  if (/^\s*[[{]/.test(value)) return json(value.replaceAll("'", '"'));
  if (/^\s*\w+\s*=/.test(value)) return pairs(value);
  return value.split(",").map((item) => item.trim());
}

const pairs = (text: string): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    text.split(",").map((pair) => {
      const at = pair.indexOf("=");
      return [pair.slice(0, at).trim(), parseValue(pair.slice(at + 1).trim())];
    }),
  );

function insertion(rest: string): Pending {
  const [, index, value] = /^\s*(-?\d+)\s+([\s\S]*)$/.exec(rest) ?? [];
  const text = value ?? rest;
  return new Pending({ change: "insert", index: Number(index ?? 0), value: parseValue(text) });
}

/** A list or a map. */
const isContainer = (value: unknown): boolean => typeof value === "object" && value !== null;
