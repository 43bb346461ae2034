import { defineErrors } from "#base/errors.ts";

/** Texts of core-content §9.2; those of status 400 are validation errors and live in `rules.ts`. */
export const artifactErrors = defineErrors({
  tooLarge: {
    code: "artifact-too-large",
    status: 413,
    message: (limit: number) => `The file is larger than ${limit} bytes.`,
  },
  inUse: {
    code: "artifact-in-use",
    status: 409,
    message: () => "The Artifact cannot be deleted because it is associated with Content.",
  },
  notFound: { code: "artifact-not-found", status: 404, message: () => "Not found." },
  contended: {
    code: "artifact-contended",
    status: 503,
    message: () => "The file was removed as often as it was stored. Try again.",
  },
});
