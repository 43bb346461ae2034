import { defineErrors } from "#base/errors.ts";

export const policyErrors = defineErrors({
  foreign: {
    code: "policy-foreign",
    status: 400,
    message: (viewset: string) =>
      `The component of '${viewset}' is not installed, so there is nothing to reset its policy to.`,
  },
});
