import { CodedError } from "#base/errors.ts";
import { storageErrors } from "../errors.ts";

interface ServiceError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const statusOf = (error: unknown): number | undefined =>
  (error as ServiceError | undefined)?.$metadata?.httpStatusCode;

/** The store says that there is no such object, or no longer this one. */
export const isAbsent = (error: unknown): boolean => {
  const name = error instanceof Error ? error.name : "";
  return name === "NotFound" || name === "NoSuchKey" || [404, 412].includes(statusOf(error) ?? 0);
};

/** The store says that there is such an object already, or that one is just being made. */
export const isTaken = (error: unknown): boolean => [409, 412].includes(statusOf(error) ?? 0);

/** The store says that it does not know what was asked of it. */
export const isUnknown = (error: unknown): boolean => statusOf(error) === 501;

/** Says in our words why a request to the store failed; the text names no key and no address. */
export function translate(error: unknown): unknown {
  if (error instanceof CodedError) return error;
  const { name = "Error", code } = error as Error & { code?: string };
  const status = statusOf(error);
  const cause = [code ?? name, ...(status === undefined ? [] : [`status ${status}`])].join(", ");
  const said = status === 507 ? storageErrors.full() : storageErrors.unavailable(cause);
  return Object.assign(said, { cause: error });
}

/** Runs requests to the store and throws their failures translated. */
export async function translated<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw translate(error);
  }
}
