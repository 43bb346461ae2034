import { CodedError } from "#base/errors.ts";

/** Codes of what a unit or a file that has gone meanwhile leads to. */
const CODES: ReadonlySet<string> = new Set([
  "content-file-gone",
  "content-vanished",
  "version-missing-units",
]);

/** A row that another one refers to is not there (PostgreSQL, class 23). */
const MISSING_ROW = "23503";

/**
 * Whether a clean-up that protects nothing took what a request had saved a moment before: nothing is
 * wrong with the request, and another try succeeds.
 */
export function isCleanedUp(error: unknown): boolean {
  if (error instanceof CodedError) return CODES.has(error.code);
  return error instanceof Error && "code" in error && error.code === MISSING_ROW;
}
