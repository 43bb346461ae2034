import type { Settings } from "#platform/config/settings.ts";

/** Whether anybody reads what is measured. */
export const isMeasured = (settings: Settings): boolean =>
  settings.METRICS_ENABLED || settings.OTEL_ENABLED || settings.PROMETHEUS_PORT > 0;
