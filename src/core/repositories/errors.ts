import { defineErrors, fieldError } from "#base/errors.ts";
import type { ConstraintTable } from "../constraints.ts";

/** One incoming unit that would push another out of its slot. */
export interface OverwriteConflict {
  readonly incoming: string;
  readonly existing: string;
}

/** `['a', 'b']`, as the wire writes lists inside texts. */
const listText = (items: readonly string[]): string => items.map((item) => `'${item}'`).join(", ");

/** Codes and texts are a contract: never renumbered, never reused, changed only with a note. */
export const repositoryErrors = defineErrors({
  gone: {
    code: "repository-gone",
    status: 404,
    message: () => "No Repository matches the given query.",
  },
  versionGone: {
    code: "version-gone",
    status: 404,
    message: () => "No RepositoryVersion matches the given query.",
  },
  immutable: {
    code: "PLP0006",
    status: 500,
    message: (id: string) => `Cannot update immutable resource ${id} of type RepositoryVersion.`,
  },
  busy: {
    code: "repository-busy",
    status: 429,
    message: () => "A task is filling the next version of the repository. Try again later.",
  },
  refused: {
    code: "version-refused-units",
    status: 400,
    message: (reasons: readonly string[]) => reasons.join(" "),
  },
  lastVersion: {
    code: "PLP0011",
    status: 400,
    message: () =>
      "Cannot delete repository version. Repositories must have at least one repository version.",
  },
  protectedVersion: {
    code: "version-protected",
    status: 400,
    message: () => PROTECTED_VERSION,
  },
  duplicates: {
    code: "PLP0022",
    status: 500,
    message: (count: number, correlationId: string) =>
      `Found ${count} duplicate contents in repository version(see the logs (cid=${correlationId}) for details).`,
  },
  overwrite: {
    code: "PLP0023",
    status: 409,
    message: (type: string, conflicts: readonly OverwriteConflict[]) =>
      `Content overwrite rejected: new content of type '${type}' would overwrite ${conflicts.length} existing content unit(s) in the repository based on repo_key_fields. Conflicting content (incoming->existing): [${conflicts.map(({ incoming, existing }) => `${incoming}->${existing}`).join(", ")}]`,
  },
  unsupported: {
    code: "version-content-types",
    status: 400,
    message: (types: readonly string[]) => `Saw unsupported content types {${listText(types)}}`,
  },
  missingUnits: {
    code: "version-missing-units",
    status: 400,
    message: (ids: readonly string[]) =>
      `Could not find the following content units: [${listText(ids)}]`,
  },
  overlappingPath: {
    code: "version-paths",
    status: 400,
    message: (path: string, others: readonly string[]) =>
      `Repository version errors : Path errors found. The path for file '${path}' overlaps: ${others.join(", ")}`,
  },
  mirrorLost: {
    code: "version-mirror-lost",
    status: 500,
    message: () =>
      "The database restarted during the sync and forgot which units were seen. Sync again.",
  },
});

export const PROTECTED_VERSION =
  "The repository version cannot be deleted because it (or its publications) are currently being used to distribute content. Please update the necessary distributions first.";

export const repositoryConstraints: ConstraintTable = {
  repository_name: () => fieldError("name", "This field must be unique."),
  repository_domain_remote_fkey: () =>
    fieldError("remote", "Invalid hyperlink - Object does not exist."),
  repository_retain_repo_versions_check: () =>
    fieldError("retain_repo_versions", "Ensure this value is greater than or equal to 1."),
  repository_retain_checkpoints_check: () =>
    fieldError("retain_checkpoints", "Ensure this value is greater than or equal to 1."),
};
