import { defineErrors } from "#base/errors.ts";

/** Refusals of reports (service §9.5). */
export const metricsErrors = defineErrors({
  slow: {
    code: "report-slow",
    status: 503,
    message: () => "The report takes too long just now; ask about a shorter time, or later.",
  },
});
