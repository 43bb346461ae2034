import type { Plugin } from "#sdk";

/** Answers of yank monitors that are no objects of the API. */
export const yankSchemas: NonNullable<Plugin["schemas"]> = {
  "service.YankedPackageReportResponse": {
    type: "object",
    properties: {
      pulp_created: { type: "string", format: "date-time" },
      pulp_last_updated: { type: "string", format: "date-time" },
      report: { type: "object", additionalProperties: {} },
      errors: { type: "object", additionalProperties: {} },
      repository_name: { type: "string" },
    },
  },
};
