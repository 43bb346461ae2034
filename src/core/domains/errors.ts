import { defineErrors, fieldError, ValidationError } from "#base/errors.ts";
import type { ConstraintTable } from "../constraints.ts";

/** Codes and texts are a contract: never renumbered, never reused, changed only with a note. */
export const domainErrors = defineErrors({
  hasContent: {
    code: "PLP0007",
    status: 409,
    message: () => "You cannot delete a domain that still contains repositories with content.",
  },
  inUse: {
    code: "domain-in-use",
    status: 409,
    message: (objects: string) => `The domain cannot be deleted: it still has ${objects}.`,
  },
  gone: {
    code: "domain-gone",
    status: 404,
    message: (name: string) => `There is no domain '${name}' any more.`,
  },
  noBackend: {
    code: "domain-no-backend",
    status: 503,
    message: (name: string) => `The store of domain '${name}' cannot be reached by this program.`,
  },
});

export const domainConstraints: ConstraintTable = {
  domain_name_key: () => fieldError("name", "This field must be unique."),
  domain_name_check: () => fieldError("name", "Name can not be 'api' or 'content'."),
};

/** @param what `updated`, `deleted` or `migrated`. */
export const isProtected = (what: string): ValidationError =>
  new ValidationError([`Default domain can not be ${what}.`]);
