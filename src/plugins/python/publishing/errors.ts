import { defineErrors } from "#base/errors.ts";

/** Why a job gets no token; who shows one learns nothing about others. */
export const publishingErrors = defineErrors({
  noIssuer: {
    code: "python-publishing-issuer",
    status: 422,
    message: () => "The issuer of the token is not among PYTHON_TRUSTED_ISSUERS.",
  },
  noPublisher: {
    code: "python-publishing-publisher",
    status: 422,
    message: () => "The token is genuine, but no trusted publisher fits its claims.",
  },
});
