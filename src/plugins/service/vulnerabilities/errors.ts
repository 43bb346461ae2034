import { defineErrors } from "#base/errors.ts";

/** Failures of reports of vulnerabilities (service §8.2). */
export const reportErrors = defineErrors({
  unsupported: {
    code: "vulnerabilities-unsupported",
    status: 400,
    message: () => "Package type not supported!",
  },
  unlabelled: {
    code: "vulnerabilities-unlabelled",
    status: 400,
    message: () => "Repository ecosystem not supported or does not contain the expected labels.",
  },
  gone: {
    code: "vulnerabilities-gone",
    status: 404,
    message: (id: string) => `There is no repository version ${id}.`,
  },
});
