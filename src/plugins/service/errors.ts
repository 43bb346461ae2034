import { defineErrors } from "#base/errors.ts";

/** Refusals of the service (service §2, §3, §6). */
export const serviceErrors = defineErrors({
  denied: { code: "identity-denied", status: 401, message: () => "Access denied." },
  invalid: {
    code: "identity-invalid",
    status: 401,
    message: () => "Access denied. Invalid JSON.",
  },
  disabledAccount: {
    code: "identity-disabled",
    status: 401,
    message: () => "Service account is disabled.",
  },
  unknownAccount: {
    code: "identity-unknown",
    status: 401,
    message: () => "Unknown service account.",
  },
});
