import { Type } from "@sinclair/typebox";
import { defineSettings } from "#base/settings.ts";

/** Where reports of vulnerabilities come from (core-content §16, service §8.2). */
export const advisorySettings = defineSettings({
  OSV_API_URL: {
    schema: Type.String({ pattern: "^https?://.+$" }),
    default: "https://api.osv.dev",
    doc: "The database of advisories that is asked about releases: one that speaks the API of OSV.",
  },
  OSV_API_TIMEOUT: {
    schema: Type.Number({ exclusiveMinimum: 0, maximum: 3600 }),
    default: 30,
    unit: "seconds",
    doc: "How long one of its answers may take.",
  },
  OSV_MAX_RELEASES: {
    schema: Type.Integer({ minimum: 1 }),
    default: 200_000,
    doc: "Different releases that one report asks about; with more of them it fails.",
  },
  OSV_REPORT_MAX_SIZE: {
    schema: Type.Integer({ minimum: 1024, maximum: 268_435_456 }),
    default: 33_554_432,
    unit: "bytes",
    doc: "The largest report, and the most that its advisories may have together; beyond it the report fails.",
  },
});
