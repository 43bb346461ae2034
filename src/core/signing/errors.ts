import { defineErrors, fieldError } from "#base/errors.ts";
import type { ConstraintTable } from "../constraints.ts";

export const signingErrors = defineErrors({
  failed: {
    code: "signing-failed",
    status: 500,
    message: (service: string, reason: string) =>
      `The signing service '${service}' did not sign: ${reason}`,
  },
  gone: {
    code: "signing-service-gone",
    status: 404,
    message: () => "No SigningService matches the given query.",
  },
});

export const signingConstraints: ConstraintTable = {
  signing_service_name: () => fieldError("name", "A signing service of this name already exists."),
};
