import { fieldError, ValidationError } from "#base/errors.ts";
import type { Json, JsonObject } from "#base/json.ts";
import type { Secrets } from "#platform/crypto/secrets.ts";
import { optionsProblem } from "./class-rules.ts";
import { type StorageClass, type StoreOption, storageClass } from "./storage-classes.ts";

export const DEFAULT_DOMAIN = "default";

/** @throws `ValidationError` (400) for a name that would be a path of the service itself. */
export function checkDomainName(name: string): void {
  if (["api", "content"].includes(name.toLowerCase()))
    throw fieldError("name", "Name can not be 'api' or 'content'.");
}

/**
 * Every option of a store by its own name, with defaults where nothing is given (core-rest §6).
 *
 * @param given by option or setting name, in any case.
 * @param stored options that `given` overlays: those of a store of the same class.
 * @throws `ValidationError` (400) with the texts under `storage_settings`, by the given key.
 */
export function storeOptions(
  className: string,
  given: JsonObject,
  stored: JsonObject = {},
): JsonObject {
  const kind = storageClass(className);
  if (!kind) throw backendMissing();
  const entries = Object.entries(given).map(([key, value]) => readOption(kind, key, value));
  const values = new Map(entries.flatMap(({ name, value }) => (name ? [[name, value]] : [])));
  const problems = entries.flatMap(({ key, problem }) => (problem ? [[key, problem]] : []));
  const options = kind.options.map(({ name, default: fallback }) => {
    const value = values.has(name) ? values.get(name) : (stored[name] ?? fallback);
    return [name, value] as const;
  });
  const named = new Set(entries.map(({ option }) => option));
  const missing = options.flatMap(([name, value]) =>
    value === undefined && !named.has(name) ? [[name, ["This field is required."]]] : [],
  );
  if (problems.length + missing.length > 0) {
    const detail = Object.fromEntries([...problems, ...missing]);
    throw new ValidationError({ storage_settings: detail });
  }
  const result = Object.fromEntries(options) as JsonObject;
  checkTogether(className, result);
  return result;
}

interface ReadOption {
  readonly key: string;
  /** Option that the key means. */
  readonly option?: string;
  /** The option's name if its value is good. */
  readonly name?: string;
  readonly value: Json;
  readonly problem?: Problem;
}

function readOption(kind: StorageClass, key: string, value: Json): ReadOption {
  const name = optionName(kind, key);
  const option = kind.options.find((one) => one.name === name);
  if (!option) return { key, value, problem: "Unexpected field" };
  const problem = problemOf(value, option);
  const found = { key, option: option.name };
  if (problem === undefined)
    return { ...found, name: option.name, value: normalized(value, option) };
  return { ...found, value, problem: typeof problem === "string" ? [problem] : problem };
}

export const backendMissing = (): ValidationError =>
  new ValidationError({ storage_class: "Backend is not installed on Pulp." });

/** An option may be called like a setting of another one, and then means itself. */
function optionName(kind: StorageClass, key: string): string | undefined {
  const name = key.toLowerCase();
  return kind.options.some((option) => option.name === name) ? name : kind.optionOf(name);
}

type Problem = string | readonly string[] | JsonObject | undefined;

function problemOf(value: Json, option: StoreOption): string | JsonObject | undefined {
  if (value === null) return option.isNullable ? undefined : "This field may not be null.";
  switch (option.kind) {
    case "text":
      return textProblem(value, option);
    case "integer":
      return Number.isSafeInteger(value) ? undefined : "A valid integer is required.";
    case "boolean":
      return typeof value === "boolean" ? undefined : "Must be a valid boolean.";
    case "texts":
      return isTexts(value) ? undefined : "Expected a list of texts.";
    case "map":
      return mapProblem(value, option);
    default:
      return option.kind satisfies never;
  }
}

function textProblem(value: Json, { mayBeBlank, choices }: StoreOption): string | undefined {
  if (typeof value !== "string") return "Not a valid string.";
  if (!value.isWellFormed() || value.includes("\0")) return "Null characters are not allowed.";
  if (value === "" && !mayBeBlank) return "This field may not be blank.";
  if (choices && !choices.includes(value)) return `"${value}" is not a valid choice.`;
  return undefined;
}

const isTexts = (value: Json): boolean =>
  Array.isArray(value) && value.every((item) => typeof item === "string");

const isMap = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function mapProblem(value: Json, { options }: StoreOption): string | JsonObject | undefined {
  if (!isMap(value)) return "Expected a dictionary of items.";
  if (!options) return undefined;
  const problems = Object.entries(value).flatMap(([key, item]): [string, Json][] => {
    const option = options.find(({ name }) => name === key);
    if (!option) return [[key, "Unexpected field"]];
    const problem = problemOf(item, option);
    if (problem === undefined) return [];
    return [[key, typeof problem === "string" ? [problem] : problem]];
  });
  return problems.length > 0 ? Object.fromEntries(problems) : undefined;
}

function normalized(value: Json, { name, options }: StoreOption): Json {
  // The peer's clients take true for "by the system's certificates", which is what null says.
  if (name === "verify" && value === true) return null;
  if (!options || !isMap(value)) return value;
  const defaults = options.map((option) => [option.name, option.default ?? null] as const);
  return { ...Object.fromEntries(defaults), ...value };
}

/** What one option alone cannot tell. */
function checkTogether(className: string, options: JsonObject): void {
  const problem = optionsProblem(className, options);
  if (problem !== undefined) throw incorrectValues(problem);
  if ("secret_key" in options && !options.secret_key && !options.security_token) {
    throw new ValidationError({
      storage_settings: {
        non_field_errors: ["One of 'secret_key' or 'security_token' must be set."],
      },
    });
  }
}

export const incorrectValues = (why: string): ValidationError =>
  fieldError("storage_settings", `Backend settings contain incorrect values: ${why}`);

/** Options as they are stored: structure in clear, each leaf a token of its JSON text. */
export function sealOptions(options: JsonObject, secrets: Secrets): JsonObject {
  return mapLeaves(options, (leaf) => secrets.seal(JSON.stringify(leaf))) as JsonObject;
}

/** @throws `secretErrors.unreadable` if no key opens a token. */
export function openOptions(sealed: JsonObject, secrets: Secrets): JsonObject {
  return mapLeaves(sealed, (leaf) => JSON.parse(secrets.open(String(leaf))) as Json) as JsonObject;
}

function mapLeaves(value: Json, change: (leaf: Json) => Json): Json {
  if (Array.isArray(value)) return value.map((item) => mapLeaves(item, change));
  if (!isMap(value)) return change(value);
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, mapLeaves(item, change)]),
  );
}

/** What everybody may see: options without secrets, which only say whether they are set. */
export function shownOptions(className: string, options: JsonObject): JsonObject {
  const secrets = (storageClass(className)?.options ?? []).filter(({ isSecret }) => isSecret);
  const names = new Set(secrets.map(({ name }) => name));
  return {
    ...Object.fromEntries(Object.entries(options).filter(([name]) => !names.has(name))),
    hidden_fields: secrets.map(({ name }) => ({
      name,
      is_set: options[name] !== undefined && options[name] !== null && options[name] !== "",
    })),
  };
}
