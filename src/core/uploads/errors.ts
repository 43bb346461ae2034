import { defineErrors } from "#base/errors.ts";
import { alreadyExists } from "../artifacts/queries.ts";

/** Failures of a commit carry their text alone, as tasks show it (core-content §9.1). */
export const uploadErrors = defineErrors({
  notFound: { code: "upload-not-found", status: 404, message: () => "Not found." },
  checksum: {
    code: "upload-checksum",
    status: 400,
    message: () => "The sha256 checksum did not match.",
  },
  tooSlow: {
    code: "upload-too-slow",
    status: 503,
    message: () =>
      "Storing the chunk took too long, or the store was changed meanwhile. Send it again.",
  },
  exists: { code: "upload-exists", status: 400, message: alreadyExists },
});
