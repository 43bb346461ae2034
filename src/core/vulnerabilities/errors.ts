import { defineErrors } from "#base/errors.ts";

/** Codes and texts are a contract: never renumbered, never reused, changed only with a note. */
export const vulnerabilityErrors = defineErrors({
  unavailable: {
    code: "advisories-unavailable",
    status: 502,
    message: (url: string, why: string) => `${url} cannot be asked: ${why}`,
  },
  malformed: {
    code: "advisories-malformed",
    status: 502,
    message: (url: string, why: string) => `The answer of ${url} is not as expected: ${why}`,
  },
  tooLarge: {
    code: "advisories-too-large",
    status: 400,
    message: (most: number) =>
      `The report would have more than ${most} bytes, which OSV_REPORT_MAX_SIZE allows.`,
  },
  tooMany: {
    code: "advisories-too-many",
    status: 400,
    message: (most: number) => `There are more than ${most} releases, which is too many at once.`,
  },
});
