import { defineErrors } from "#base/errors.ts";

/** Refusals of log-ins (core-rest §2.2), and what stops a start. */
export const authErrors = defineErrors({
  denied: { code: "access-denied", status: 401, message: () => "Access denied." },
  deniedJson: {
    code: "access-denied-json",
    status: 401,
    message: () => "Access denied. Invalid JSON.",
  },
  csrf: { code: "csrf", status: 403, message: (why: string) => `CSRF Failed: ${why}` },
  setting: { code: "authentication-setting", status: 500, message: (sentence: string) => sentence },
});
