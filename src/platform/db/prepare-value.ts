/**
 * A value as the driver writes it for the server: bytes as they are, lists as arrays, other objects
 * as JSON, all else as text.
 */
export function prepareValue(value: unknown): string | Buffer | null {
  if (value === null || value === undefined) return null;
  if (typeof value !== "object") return String(value);
  if (ArrayBuffer.isView(value))
    return Buffer.isBuffer(value)
      ? value
      : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (Array.isArray(value)) return arrayText(value);
  if (value instanceof Date) return value.toISOString();
  return JSON.stringify(value);
}

/** @see PostgreSQL 18, "Array Input and Output Syntax" */
function arrayText(items: readonly unknown[]): string {
  let text = "{";
  for (const [at, item] of items.entries()) text += (at === 0 ? "" : ",") + elementText(item);
  return `${text}}`;
}

function elementText(item: unknown): string {
  if (item === null || item === undefined) return "NULL";
  if (Array.isArray(item)) return arrayText(item);
  if (typeof item === "number" || typeof item === "boolean" || typeof item === "bigint")
    return String(item);
  const value = prepareValue(item);
  return typeof value === "string" ? quoted(value) : `"\\\\x${value?.toString("hex") ?? ""}"`;
}

const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
