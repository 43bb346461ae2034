import { defineErrors } from "#base/errors.ts";
import type { ConstraintTable } from "../constraints.ts";

/** Codes and texts are a contract: never renumbered, never reused, changed only with a note. */
export const contentErrors = defineErrors({
  vanished: {
    code: "content-vanished",
    status: 500,
    message: (type: string) => `A unit of type ${type} was removed while it was being saved.`,
  },
  fileGone: {
    code: "content-file-gone",
    status: 409,
    message: () =>
      "A clean-up removed a file before the unit that was to have it was saved. Upload the file again, or repeat the task.",
  },
});

export const contentConstraints: ConstraintTable = {
  content_artifact_artifact_fkey: () => contentErrors.fileGone(),
};
