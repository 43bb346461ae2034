import { ValidationError } from "#base/errors.ts";
import { appErrors } from "../errors.ts";

/** A rule of the domain that a command breaks, as one sentence. */
export async function told<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ValidationError) throw appErrors.usage(texts(error.detail).join(" "));
    throw error;
  }
}

function texts(detail: unknown): readonly string[] {
  if (typeof detail === "string") return [detail];
  if (typeof detail !== "object" || detail === null) return [];
  return Object.values(detail).flatMap(texts);
}

/** Lines with columns of equal width. */
export function tableLines(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => row[at]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
