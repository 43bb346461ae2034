import { defineErrors } from "#base/errors.ts";

/** Codes and texts are a contract: never renumbered, never reused, changed only with a note. */
export const scanErrors = defineErrors({
  infected: {
    code: "PLP0005",
    status: 412,
    message: (signature: string, what: string) =>
      `ClamAV detected a virus (${signature}) in ${what}.`,
  },
  unavailable: {
    code: "scan-unavailable",
    status: 502,
    message: (what: string) => `${what} could not be scanned for malware.`,
  },
  oversize: {
    code: "scan-oversize",
    status: 413,
    message: (what: string) => `${what} is larger than what can be scanned for malware.`,
  },
});
