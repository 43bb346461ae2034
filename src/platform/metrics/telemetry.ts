import type { Counter, Gauge, Histogram, Meter, UpDownCounter } from "@opentelemetry/api";
import type { MeterProvider } from "@opentelemetry/sdk-metrics";
import type { Log } from "../log/log.ts";
import { type Instrument, instruments, type TelemetryName } from "./instruments.ts";
import type { Metrics } from "./metrics.ts";

export interface TelemetryOptions {
  /** The standard variables of OpenTelemetry. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Upper bounds of the histogram of API requests; empty are those of the SDK. */
  readonly apiBuckets: readonly number[];
  readonly version: string;
  readonly log: Log;
}

/** Sends the instruments that have a name in telemetry; the others are nothing to it. */
export interface Telemetry extends Omit<Metrics, "render">, AsyncDisposable {}

const METER = "pulp.metrics";
const API_DURATION = "api.request_duration";
const DEFAULT_INTERVAL_MS = 60_000;
const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * Begins to send measurements as OTLP over HTTP with protobuf (core-tasks-ops §19.1). Collectors that
 * are away cost a warning, and nothing else.
 *
 * @returns undefined if the variables switch metrics off
 */
export async function openTelemetry(options: TelemetryOptions): Promise<Telemetry | undefined> {
  const { environment, log } = options;
  if (environment.OTEL_METRICS_EXPORTER === "none" || environment.OTEL_SDK_DISABLED === "true") {
    return undefined;
  }
  const protocol = environment.OTEL_EXPORTER_OTLP_PROTOCOL;
  if (protocol && protocol !== "http/protobuf") {
    log.warn(`OTEL_EXPORTER_OTLP_PROTOCOL: '${protocol}' is not spoken, http/protobuf is used.`);
  }
  return new Senders(options, await import("./telemetry-sdk.ts"));
}

type Sdk = typeof import("./telemetry-sdk.ts");

type Made =
  | { readonly kind: "counter"; readonly instrument: Counter }
  | { readonly kind: "histogram"; readonly instrument: Histogram }
  | { readonly kind: "gauge"; readonly instrument: Gauge }
  | { readonly kind: "level"; readonly instrument: UpDownCounter; readonly levels: Levels };

/** What a level is at, by its attributes, since the SDK takes steps only. */
type Levels = Map<string, number>;
type Attributes = Record<string, string>;

/** A provider per service, made by its first measurement. */
class Senders implements Telemetry {
  readonly #options: TelemetryOptions;
  readonly #sdk: Sdk;
  readonly #providers = new Map<string, MeterProvider>();
  readonly #made = new Map<string, Made>();

  constructor(options: TelemetryOptions, sdk: Sdk) {
    this.#options = options;
    this.#sdk = sdk;
  }

  count(name: string, labels: Attributes = {}, by = 1): void {
    const made = this.#find(name);
    if (made?.kind === "counter") made.instrument.add(by, attributes(name, labels));
    else if (made?.kind === "level") step(made, attributes(name, labels), by);
  }

  observe(name: string, value: number, labels: Attributes = {}): void {
    const made = this.#find(name);
    if (made?.kind === "histogram") made.instrument.record(value, attributes(name, labels));
  }

  gauge(name: string, value: number, labels: Attributes = {}): void {
    const made = this.#find(name);
    const own = attributes(name, labels);
    if (made?.kind === "gauge") made.instrument.record(value, own);
    if (made?.kind !== "level") return;
    step(made, own, value - (made.levels.get(JSON.stringify(own)) ?? 0));
  }

  /** Sends what waits, once. */
  async [Symbol.asyncDispose](): Promise<void> {
    const ends = [...this.#providers.values()].map((provider) => provider.shutdown());
    for (const end of await Promise.allSettled(ends)) {
      if (end.status === "rejected") {
        this.#options.log.warn(`The last measurements were not sent: ${end.reason}`);
      }
    }
  }

  #find(name: string): Made | undefined {
    const spec = (instruments as Readonly<Record<string, Instrument>>)[name];
    if (!spec?.telemetry) return undefined;
    const known = this.#made.get(name);
    if (known) return known;
    const made = make(this.#meter(spec.telemetry), spec, this.#options);
    this.#made.set(name, made);
    return made;
  }

  #meter({ service }: TelemetryName): Meter {
    let provider = this.#providers.get(service);
    if (!provider) {
      const { environment, version } = this.#options;
      const intervalMs = number(environment.OTEL_METRIC_EXPORT_INTERVAL, DEFAULT_INTERVAL_MS);
      const timeoutMs = number(environment.OTEL_METRIC_EXPORT_TIMEOUT, DEFAULT_TIMEOUT_MS);
      provider = this.#sdk.createProvider({
        ...{ service, version, intervalMs },
        timeoutMs: Math.min(intervalMs, timeoutMs),
      });
      this.#providers.set(service, provider);
    }
    return provider.getMeter(METER);
  }
}

function make(meter: Meter, spec: Instrument, { apiBuckets }: TelemetryOptions): Made {
  const { name = "", unit = "" } = spec.telemetry ?? {};
  const options = { unit, description: spec.help };
  switch (spec.kind) {
    case "counter":
      return { kind: "counter", instrument: meter.createCounter(name, options) };
    case "level":
      return {
        kind: "level",
        instrument: meter.createUpDownCounter(name, options),
        levels: new Map(),
      };
    case "gauge":
      return { kind: "gauge", instrument: meter.createGauge(name, options) };
    case "histogram": {
      const own = name === API_DURATION && apiBuckets.length > 0;
      const advice = own ? { advice: { explicitBucketBoundaries: [...apiBuckets] } } : {};
      return {
        kind: "histogram",
        instrument: meter.createHistogram(name, { ...options, ...advice }),
      };
    }
    default:
      return spec.kind satisfies never;
  }
}

function step(made: Made & { readonly kind: "level" }, own: Attributes, by: number): void {
  const key = JSON.stringify(own);
  made.levels.set(key, (made.levels.get(key) ?? 0) + by);
  made.instrument.add(by, own);
}

/** Labels by their names in telemetry. */
function attributes(name: string, labels: Attributes): Attributes {
  const spec: Instrument | undefined = instruments[name as keyof typeof instruments];
  const names = spec?.telemetry?.attributes ?? [];
  return Object.fromEntries(
    (spec?.labels ?? []).map((label, index) => [names[index] ?? label, labels[label] ?? ""]),
  );
}

/** A number of milliseconds; what is none is as if it was not given. */
function number(text: string | undefined, otherwise: number): number {
  const value = Number(text);
  return text && Number.isInteger(value) && value > 0 ? value : otherwise;
}
