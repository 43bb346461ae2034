import type { Json, JsonObject } from "#base/json.ts";
import { lenientBase64 } from "#base/lenient-base64.ts";

/** What a header holds, or how its refusal is called. */
export type Decoded =
  | { readonly kind: "document"; readonly document: JsonObject }
  | { readonly kind: "denied" }
  | { readonly kind: "invalid" };

/** Larger headers are refused unread; those of gateways have a few hundred bytes. */
const MAX_HEADER = 16_384;

/** Reads the value of `X-RH-IDENTITY` (service §2.1). */
export function decodeIdentity(value: string): Decoded {
  const bytes = value.length > MAX_HEADER ? undefined : lenientBase64(value);
  if (bytes === undefined) return { kind: "denied" };
  const document = parsed(bytes);
  return isMap(document) ? { kind: "document", document } : { kind: "invalid" };
}

function parsed(bytes: Buffer): Json | undefined {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

const isMap = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Found on the way of a path: something that has no keys. */
export const BROKEN = Symbol("broken");

/**
 * A text of the document: `user.username` is `.identity.user.username`. Numbers are texts as they are
 * written; what is missing, null, false or empty is undefined.
 *
 * @returns `BROKEN` where an object is expected and something else is there, and for a value that is
 *   no name: a list, a number that is not exact.
 */
export function textAt(document: JsonObject, path: string): string | undefined | typeof BROKEN {
  let value: Json | undefined = document;
  for (const key of ["identity", ...path.split(".")]) {
    if (value === undefined || value === null) return undefined;
    if (!isMap(value)) return BROKEN;
    value = Object.hasOwn(value, key) ? value[key] : undefined;
  }
  return textOf(value);
}

function textOf(value: Json | undefined): string | undefined | typeof BROKEN {
  if (value === undefined || value === null || value === false || value === "") return undefined;
  if (typeof value === "string") return value.isWellFormed() ? value : BROKEN;
  return typeof value === "number" && Number.isSafeInteger(value) ? String(value) : BROKEN;
}

/** The same where a broken document says nothing. */
export function knownText(document: JsonObject, path: string): string | undefined {
  const text = textAt(document, path);
  return text === BROKEN ? undefined : text;
}
