import { defineErrors, fieldError } from "#base/errors.ts";
import type { ConstraintTable } from "../constraints.ts";

/** Codes and texts are a contract: never renumbered, never reused, changed only with a note. */
export const guardErrors = defineErrors({
  gone: {
    code: "guard-gone",
    status: 404,
    message: () => "No ContentGuard matches the given query.",
  },
});

export const guardConstraints: ConstraintTable = {
  content_guard_name: () => fieldError("name", "This field must be unique."),
  composite_guard_member_domain_guard_fkey: () =>
    fieldError("guards", "Invalid hyperlink - Object does not exist."),
};

export const ownMember = () => fieldError("guards", "A composite guard cannot contain itself.");
