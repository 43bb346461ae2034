import { hash } from "node:crypto";

/** A short key of what tells rows apart, in the form of a UUID; texts of any length fit into it. */
export function rowKey(...parts: readonly (string | null)[]): string {
  const hex = hash("sha256", JSON.stringify(parts), "hex");
  return hex.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** Rows of one statement. */
export const SLICE = 2000;

/** Rows in the order of their keys everywhere, so that no two processes wait for each other. */
export function slices<Row extends { readonly order: string }>(rows: readonly Row[]): Row[][] {
  const sorted = rows.toSorted((a, b) => (a.order < b.order ? -1 : 1));
  return Array.from({ length: Math.ceil(sorted.length / SLICE) }, (_, index) =>
    sorted.slice(index * SLICE, (index + 1) * SLICE),
  );
}
