import { defineErrors } from "#base/errors.ts";

export const policyErrors = defineErrors({
  setting: {
    code: "policy-setting",
    status: 500,
    message: (given: string, known: string) =>
      `REST_FRAMEWORK.DEFAULT_PERMISSION_CLASSES is ${given}; it takes one of ${known}.`,
  },
  foreign: {
    code: "policy-foreign",
    status: 400,
    message: (viewset: string) =>
      `The component of '${viewset}' is not installed, so there is nothing to reset its policy to.`,
  },
});
