import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";

export interface ProviderOptions {
  readonly service: string;
  readonly version: string;
  readonly intervalMs: number;
  /** At most the interval. */
  readonly timeoutMs: number;
}

/** Loaded with the first telemetry only: the SDK is large. Its exporter reads `OTEL_EXPORTER_…`. */
export function createProvider(options: ProviderOptions): MeterProvider {
  const own = resourceFromAttributes({
    "service.name": options.service,
    "service.version": options.version,
  });
  return new MeterProvider({
    resource: detectResources({ detectors: [envDetector] }).merge(own),
    readers: [
      new PeriodicExportingMetricReader({
        exporter: new OTLPMetricExporter(),
        exportIntervalMillis: options.intervalMs,
        exportTimeoutMillis: options.timeoutMs,
      }),
    ],
  });
}
