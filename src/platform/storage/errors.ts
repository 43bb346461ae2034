import { CodedError, defineErrors } from "#base/errors.ts";

/** Failures of the object store. Texts name objects, never paths of the machine. */
export const storageErrors = defineErrors({
  full: {
    code: "storage-full",
    status: 507,
    message: () => "Not enough space in the object store.",
  },
  unavailable: {
    code: "storage-unavailable",
    status: 503,
    message: (cause: string) => `The object store failed (${cause}).`,
  },
  missing: {
    code: "storage-missing",
    status: 500,
    message: (object: string) => `The object store has no ${object}.`,
  },
  truncated: {
    code: "storage-truncated",
    status: 500,
    message: (object: string, expected: number, actual: number) =>
      `The object ${object} ends before byte ${expected}: it has ${actual}.`,
  },
  reference: {
    code: "storage-reference",
    status: 500,
    message: (object: string) => `Invalid blob reference format: ${object}`,
  },
  name: {
    code: "storage-name",
    status: 500,
    message: (object: string) => `'${object}' is not the name of an object.`,
  },
});

const FULL = new Set(["ENOSPC", "EDQUOT"]);

/** The code of a system error, or undefined. */
export const systemCode = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && "syscall" in error && typeof error.code === "string"
    ? error.code
    : undefined;

/** Says in our words why a file operation failed; errors that are no system errors stay. */
export function translate(error: unknown): unknown {
  if (error instanceof CodedError) return error;
  const code = systemCode(error);
  if (code === undefined) return error;
  const said = FULL.has(code) ? storageErrors.full() : storageErrors.unavailable(code);
  return Object.assign(said, { cause: error });
}

/** Runs file operations and throws their failures translated. */
export async function translated<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw translate(error);
  }
}
