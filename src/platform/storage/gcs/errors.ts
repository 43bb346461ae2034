import { CodedError } from "#base/errors.ts";
import { storageErrors } from "../errors.ts";

interface ApiError extends Error {
  /** Of the answer, or the name of what the connection died of. */
  readonly code?: number | string;
}

/** The store says that there is no such object, or no longer this one. */
export const isAbsent = (error: unknown): boolean =>
  [404, 412].includes(Number((error as ApiError).code));

/** Says in our words why a request to the store failed; the text names no object and no address. */
export function translate(error: unknown): unknown {
  if (error instanceof CodedError) return error;
  const { name, code = name } = error as ApiError;
  const cause = /^\d+$/.test(String(code)) ? `status ${code}` : String(code);
  return Object.assign(storageErrors.unavailable(cause), { cause: error });
}

/** Runs requests to the store and throws their failures translated. */
export async function translated<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw translate(error);
  }
}
