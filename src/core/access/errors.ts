import { defineErrors } from "#base/errors.ts";

/** Refusals around tokens; whoever gets one learns what to change, and nothing about others. */
export const tokenErrors = defineErrors({
  /** A token that runs out or reaches little would turn into one that does not. */
  byToken: {
    code: "token-by-token",
    status: 403,
    message: () => "A token cannot make tokens; log in with the password.",
  },
  /** The token of another issuer is not what it should be. */
  refused: {
    code: "oidc-refused",
    status: 401,
    message: (why: string) => `The token cannot be exchanged. ${why}`,
  },
  /** The token is genuine, and nothing says what it is good for here. */
  noRule: {
    code: "oidc-no-rule",
    status: 403,
    message: (why: string) => `The token cannot be exchanged. ${why}`,
  },
  issuerDown: {
    code: "oidc-issuer-down",
    status: 503,
    message: (issuer: string) =>
      `The keys of ${issuer} cannot be fetched at the moment; the server's log says why. Try again soon.`,
  },
});

export const accessErrors = defineErrors({
  locked: { code: "role-locked", status: 403, message: () => "The role is locked." },
});
