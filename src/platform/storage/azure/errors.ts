import { CodedError } from "#base/errors.ts";
import { storageErrors } from "../errors.ts";

interface RestError extends Error {
  readonly statusCode?: number;
  readonly code?: string;
}

/** The store says that there is no such blob, or no longer this one. */
export const isAbsent = (error: unknown): boolean =>
  [404, 412].includes((error as RestError).statusCode ?? 0);

/** Says in our words why a request to the store failed; the text names no blob and no address. */
export function translate(error: unknown): unknown {
  if (error instanceof CodedError) return error;
  const { name, code = name, statusCode } = error as RestError;
  const status = statusCode === undefined ? "" : `, status ${statusCode}`;
  return Object.assign(storageErrors.unavailable(code + status), { cause: error });
}

/** Runs requests to the store and throws their failures translated. */
export async function translated<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw translate(error);
  }
}
