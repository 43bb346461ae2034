import { defineErrors } from "#base/errors.ts";

const DUPLICATES =
  "Found duplicate packages being added with the same filename but different checksums. " +
  "To allow this, set 'allow_package_substitution' to True on the repository.";

export const pythonErrors = defineErrors({
  noRepository: {
    code: "python_repository_missing",
    status: 404,
    message: (id: string) => `Python repository ${id} does not exist.`,
  },
  noVersion: {
    code: "python_version_missing",
    status: 404,
    message: (id: string) => `Repository version ${id} does not exist.`,
  },
  blocked: {
    code: "python_blocklisted",
    status: 400,
    message: (filenames: readonly string[]) =>
      `Blocklisted packages cannot be added to this repository: ${filenames.join(", ")}`,
  },
  substitution: {
    code: "python_substitution",
    status: 400,
    message: (filenames: readonly string[]) =>
      `${DUPLICATES} Conflicting packages: ${filenames.join(", ")}`,
  },
  existing: {
    code: "python_substitution_existing",
    status: 400,
    message: (filenames: readonly string[]) =>
      `${DUPLICATES} Existing conflicting packages: ${filenames.join(", ")}`,
  },
});
