import { CodedError } from "#base/errors.ts";
import { storageErrors } from "../errors.ts";

interface SftpError extends Error {
  /** Number of a status (draft-ietf-secsh-filexfer-02 §7), or the name of a system error. */
  readonly code?: number | string;
  readonly level?: string;
}

const NO_SUCH_FILE = 2;

export const isAbsent = (error: unknown): boolean => (error as SftpError).code === NO_SUCH_FILE;

/** Says in our words why something failed there; the text names no file and no address. */
export function translate(error: unknown): unknown {
  if (error instanceof CodedError) return error;
  const { name = "Error", code, level } = error as SftpError;
  const cause = typeof code === "number" ? `status ${code}` : (code ?? level ?? name);
  return Object.assign(storageErrors.unavailable(String(cause)), { cause: error });
}

/** Does something there and throws its failures translated. */
export async function translated<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw translate(error);
  }
}
