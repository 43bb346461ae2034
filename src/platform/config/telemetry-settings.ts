import { Type } from "@sinclair/typebox";
import { defineSettings } from "#base/settings.ts";

/** Telemetry and the built-in exposition (core-tasks-ops §16.8, service §20). */
export const telemetrySettings = defineSettings({
  OTEL_ENABLED: {
    schema: Type.Boolean(),
    default: false,
    doc: "Sends measurements as OTLP over HTTP with protobuf to `OTEL_EXPORTER_OTLP_ENDPOINT`; the standard variables `OTEL_…` say how.",
  },
  OTEL_METRICS_DISPATCH_INTERVAL_MINUTES: {
    schema: Type.Number({ exclusiveMinimum: 0, maximum: 1_000_000 }),
    default: 5,
    unit: "minutes",
    doc: "How often the space that domains use is measured.",
  },
  OTEL_PULP_API_HISTOGRAM_BUCKETS: {
    schema: Type.Array(Type.Number()),
    default: [],
    unit: "milliseconds",
    doc: "Upper bounds of the histogram of API requests, ascending; empty are those of the SDK.",
    check: (bounds: readonly number[]) =>
      bounds.every((bound, index) => index === 0 || bound > (bounds[index - 1] ?? 0))
        ? undefined
        : "OTEL_PULP_API_HISTOGRAM_BUCKETS must ascend.",
  },
  PROMETHEUS_PORT: {
    schema: Type.Integer({ minimum: 0, maximum: 65_535 }),
    default: 0,
    doc: "Port of a page `/metrics` that adds up what the processes of one command measure, without their names; 0 is none. Keep it away from the outside.",
  },
});
