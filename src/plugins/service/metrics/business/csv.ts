import type { Json } from "#base/json.ts";

const cell = (value: Json | undefined): string => {
  const text = value === null || value === undefined ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** Rows as CSV with a line of names, also where there are none (RFC 4180). */
export function csvOf(
  columns: readonly string[],
  rows: readonly Readonly<Record<string, Json>>[],
): string {
  const lines = rows.map((row) => columns.map((column) => cell(row[column])));
  return [columns.map(cell), ...lines].map((line) => `${line.join(",")}\r\n`).join("");
}
