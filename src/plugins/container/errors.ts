import { defineErrors } from "#base/errors.ts";

export const containerErrors = defineErrors({
  badSignature: {
    code: "container_bad_signature",
    status: 500,
    message: (service: string, reason: string) =>
      `What the signing service '${service}' made is no signature over the manifest: ${reason}`,
  },
  noService: {
    code: "container_no_signing_service",
    status: 400,
    message: () => "The signing service was removed.",
  },
  build: {
    code: "CON0001",
    status: 400,
    message: (reason: string) => reason,
  },
});
