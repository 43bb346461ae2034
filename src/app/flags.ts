import { type ParseArgsConfig, parseArgs } from "node:util";
import { appErrors } from "./errors.ts";

type Options = NonNullable<ParseArgsConfig["options"]>;

export interface Flags {
  readonly text: Readonly<Record<string, string | undefined>>;
  readonly list: Readonly<Record<string, readonly string[]>>;
  readonly on: Readonly<Record<string, boolean>>;
  readonly rest: readonly string[];
}

/**
 * Reads a command line.
 *
 * @throws `appErrors.usage` that names the flag that is wrong
 */
export function readFlags(parameters: readonly string[], options: Options): Flags {
  const text: Record<string, string> = {};
  const list: Record<string, string[]> = {};
  const on: Record<string, boolean> = {};
  const parsed = parse(parameters, options);
  for (const [name, value] of Object.entries(parsed.values)) {
    if (typeof value === "string") text[name] = value;
    else if (typeof value === "boolean") on[name] = value;
    else list[name] = (value ?? []).map(String);
  }
  return { text, list, on, rest: parsed.positionals };
}

/** A flag that holds a whole number. */
export function integerFlag(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw appErrors.usage(`--${name} must be a whole number, but is '${text}'.`);
}

function parse(parameters: readonly string[], options: Options) {
  try {
    return parseArgs({
      args: [...parameters],
      options,
      allowPositionals: true,
      allowNegative: true,
      strict: true,
    });
  } catch (error) {
    const [sentence = ""] = (error as Error).message.split(". ");
    throw appErrors.usage(`${sentence.replace(/\.?$/, ".")}`);
  }
}
