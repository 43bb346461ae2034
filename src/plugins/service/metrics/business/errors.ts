import { defineErrors } from "#base/errors.ts";

/** Refusals of reports (service §9.5). */
export const metricsErrors = defineErrors({
  admin: {
    code: "report-admin",
    status: 403,
    message: () => "You do not have permission to perform this action.",
  },
  busy: {
    code: "report-busy",
    status: 429,
    message: () => "Too many reports are being counted. Try again in 10 seconds.",
  },
  slow: {
    code: "report-slow",
    status: 503,
    message: () => "The report takes too long just now; ask about a shorter time, or later.",
  },
});
