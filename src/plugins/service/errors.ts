import { defineErrors } from "#base/errors.ts";

/** Refusals of the service (service §2, §3, §6). */
export const serviceErrors = defineErrors({
  denied: { code: "identity-denied", status: 401, message: () => "Access denied." },
  invalid: {
    code: "identity-invalid",
    status: 401,
    message: () => "Access denied. Invalid JSON.",
  },
});
