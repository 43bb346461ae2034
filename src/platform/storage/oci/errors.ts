import { CodedError } from "#base/errors.ts";
import { storageErrors } from "../errors.ts";

/** Says in our words why a request to the registry failed; the text names no address. */
export function translate(error: unknown): unknown {
  if (error instanceof CodedError) return error;
  const { name = "Error", code = name } = error as Error & { code?: string };
  return Object.assign(storageErrors.unavailable(code), { cause: error });
}

/** Runs requests to the registry and throws their failures translated. */
export async function translated<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw translate(error);
  }
}
