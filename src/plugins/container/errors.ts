import { type CodedError, defineErrors } from "#base/errors.ts";

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
  immutableTag: {
    code: "container_immutable_tag",
    status: 409,
    message: (tag: string, pattern: string) =>
      `The tag '${tag}' can be neither moved nor removed: it matches '${pattern}' of the repository's immutable_tags.`,
  },
  immutableImage: {
    code: "container_immutable_image",
    status: 409,
    message: (tag: string, pattern: string) =>
      `The tag '${tag}' needs what would be removed, and matches '${pattern}' of the repository's immutable_tags.`,
  },
  policy: {
    code: "container_retention_policy",
    status: 400,
    message: (problem: string) => `The retention policy cannot be applied: ${problem}`,
  },
  build: {
    code: "CON0001",
    status: 400,
    message: (reason: string) => reason,
  },
});

/** A rule of the repository keeps what should have been changed. */
export const isAboutImmutable = (error: unknown): error is CodedError =>
  containerErrors.immutableTag.is(error) || containerErrors.immutableImage.is(error);
