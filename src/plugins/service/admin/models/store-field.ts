import { fieldError } from "#base/errors.ts";
import type { Json, JsonObject } from "#base/json.ts";
import type { Choice } from "../fields.ts";
import type { Visit } from "../visits.ts";

/** Stands for a secret that is set; sent back it means that one. */
const MASK = "********";

interface HiddenField {
  readonly name: string;
  readonly is_set: boolean;
}

/** Options of a store as JSON to edit, its secrets masked. */
export function shownStore({ storage_settings: given }: Readonly<Record<string, unknown>>): string {
  const { hidden_fields: hidden = [], ...options } = (given ?? {}) as JsonObject;
  const secrets = (hidden as unknown as readonly HiddenField[]).filter(({ is_set }) => is_set);
  const masked = Object.fromEntries(secrets.map(({ name }) => [name, MASK]));
  return JSON.stringify({ ...options, ...masked }, null, 2);
}

/** The options that somebody gives, without masked secrets. @throws `ValidationError` */
export function readStore(text = ""): JsonObject {
  const value = text.trim() === "" ? {} : parsed(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw fieldError("storage_settings", "Expected a dictionary of items.");
  }
  return Object.fromEntries(Object.entries(value).filter(([, option]) => option !== MASK));
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw fieldError("storage_settings", "Value must be valid JSON.");
  }
}

/** Classes that the API takes. */
export function storageClasses({ call }: Visit): readonly Choice[] {
  const field = call.view.api.byPath("domains")?.fields.storage_class;
  const names = field?.accepts?.enum ?? [];
  return names.map((name): Choice => [String(name), String(name)]);
}
