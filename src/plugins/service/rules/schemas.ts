import type { Plugin } from "#sdk";

/** What rules before content guards answer besides themselves. */
export const ruleSchemas: NonNullable<Plugin["schemas"]> = {
  "service.RHCertGuardCheckResponse": {
    type: "object",
    properties: {
      matches: { type: "boolean" },
      effect: { type: "string", nullable: true },
      reason: { type: "string" },
    },
    required: ["matches", "effect", "reason"],
  },
};
