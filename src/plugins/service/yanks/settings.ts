import { Type } from "@sinclair/typebox";
import { defineSettings } from "#base/settings.ts";

/** Monitors of what is yanked (service §8.3). */
export const yanksSettings = defineSettings({
  PYPI_JSON_URL: {
    schema: Type.String({ pattern: "^https?://.+$" }),
    default: "https://pypi.org",
    doc: "The index that yank monitors ask, below `/pypi/<project>/json`.",
  },
  PYPI_JSON_CONCURRENCY: {
    schema: Type.Integer({ minimum: 1, maximum: 500 }),
    default: 50,
    doc: "Simultaneous requests of one check to `PYPI_JSON_URL`.",
  },
  PYPI_JSON_TIMEOUT: {
    schema: Type.Number({ exclusiveMinimum: 0, maximum: 3600 }),
    default: 60,
    unit: "seconds",
    doc: "How long one of its answers may take.",
  },
  YANK_REPORTS_KEPT: {
    schema: Type.Integer({ minimum: 1 }),
    default: 90,
    doc: "Reports that a yank monitor keeps, the newest ones.",
  },
});
