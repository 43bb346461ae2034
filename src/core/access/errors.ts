import { defineErrors } from "#base/errors.ts";

/** Refusals around tokens; whoever gets one learns what to change, and nothing about others. */
export const tokenErrors = defineErrors({
  /** A token that runs out or reaches little would turn into one that does not. */
  byToken: {
    code: "token-by-token",
    status: 403,
    message: () => "A token cannot make tokens; log in with the password.",
  },
});
