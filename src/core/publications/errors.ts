import { defineErrors, fieldError, ValidationError } from "#base/errors.ts";
import type { ConstraintTable } from "../constraints.ts";

/** Codes and texts are a contract: never renumbered, never reused, changed only with a note. */
export const publicationErrors = defineErrors({
  gone: {
    code: "publication-gone",
    status: 404,
    message: () => "No Publication matches the given query.",
  },
  duplicatePaths: {
    code: "publication-paths",
    status: 400,
    message: (paths: readonly string[]) =>
      `Cannot create publication. Path errors found. Paths are duplicated: ${paths.join(", ")}`,
  },
  overlappingPath: {
    code: "publication-paths",
    status: 400,
    message: (path: string, other: string) =>
      `Cannot create publication. Path errors found. The path for file '${path}' overlaps: ${other}`,
  },
  fileGone: {
    code: "publication-file-gone",
    status: 409,
    message: () =>
      "A clean-up removed a file before the publication that was to have it was complete. Publish again.",
  },
});

export const publicationConstraints: ConstraintTable = {
  publication_domain_version_fkey: () =>
    fieldError("repository_version", "Invalid hyperlink - Object does not exist."),
  publication_path_pkey: (fault) =>
    publicationErrors.duplicatePaths([
      /=\([^,]*, (.*)\) already/.exec(fault.detail ?? "")?.[1] ?? "",
    ]),
  publication_path_domain_artifact_fkey: () => publicationErrors.fileGone(),
  rel_path_check: () => new ValidationError(["Relative path is not in canonical form."]),
};
