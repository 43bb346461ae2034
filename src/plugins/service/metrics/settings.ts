import { Type } from "@sinclair/typebox";
import { defineSettings } from "#base/settings.ts";

/** What is counted (service §9.4, §9.5). */
export const metricsSettings = defineSettings({
  DOWNLOAD_METRICS_ENABLED: {
    schema: Type.Boolean(),
    default: true,
    doc: "Downloads and requests are counted, for `rpm_package_download/` and `business_metrics/`.",
  },
  DOWNLOAD_METRICS_FLUSH_SECONDS: {
    schema: Type.Integer({ minimum: 1, maximum: 3600 }),
    default: 30,
    unit: "seconds",
    doc: "How long a process gathers counts before it writes them; those of a process that dies are lost.",
  },
  DOWNLOAD_METRICS_BUFFER: {
    schema: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
    default: 20_000,
    doc: "Rows of downloads, and of requests, that a process gathers; what is new beyond them is not counted.",
  },
  DOWNLOAD_METRICS_RETENTION_DAYS: {
    schema: Type.Integer({ minimum: 1 }),
    default: 400,
    unit: "days",
    doc: "How long counts of downloads and requests, and samples of the storage, are kept.",
  },
  BUSINESS_METRICS_CACHE_SECONDS: {
    schema: Type.Integer({ minimum: 0, maximum: 86_400 }),
    default: 300,
    unit: "seconds",
    doc: "How long a report of `business_metrics/` is believed before it is counted anew.",
  },
  BUSINESS_METRICS_CACHE_ENTRIES: {
    schema: Type.Integer({ minimum: 0, maximum: 10_000 }),
    default: 64,
    doc: "Reports that a process remembers; each has at most some ten thousand rows.",
  },
});
