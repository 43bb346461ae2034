import { defineErrors, fieldError, objectError } from "#base/errors.ts";
import type { ConstraintTable } from "../constraints.ts";

/** Codes and texts are a contract: never renumbered, never reused, changed only with a note. */
export const distributionErrors = defineErrors({
  gone: {
    code: "distribution-gone",
    status: 404,
    message: () => "No Distribution matches the given query.",
  },
});

export const UNIQUE = "This field must be unique.";

const dangling = (field: string) => () =>
  fieldError(field, "Invalid hyperlink - Object does not exist.");

/** Overlaps are told with the name of the other distribution, see `overlapError`. */
export const distributionConstraints: ConstraintTable = {
  distribution_name: () => fieldError("name", UNIQUE),
  distribution_base_path: () => fieldError("base_path", UNIQUE),
  distribution_base_path_check: () =>
    fieldError("base_path", "Relative path cannot contain white space, '?' or '#'."),
  rel_path_check: () => fieldError("base_path", "Relative path is not in canonical form."),
  distribution_one_source: () =>
    objectError(
      "Only one of the attributes 'repository', 'repository_version' and 'publication' may be used simultaneously.",
    ),
  distribution_domain_repository_fkey: dangling("repository"),
  distribution_domain_version_fkey: dangling("repository_version"),
  distribution_domain_publication_fkey: dangling("publication"),
  distribution_domain_remote_fkey: dangling("remote"),
  distribution_domain_guard_fkey: dangling("content_guard"),
};

/** The refused base path is equal to, above or below that of another distribution. */
export const overlapError = (basePath: string, other: OverlappingDistribution | undefined) =>
  other === undefined || other.base_path === basePath
    ? fieldError("base_path", UNIQUE)
    : fieldError("base_path", `Overlaps with existing distribution '${other.name}'`);

export interface OverlappingDistribution {
  readonly id: string;
  readonly name: string;
  readonly base_path: string;
}
