import { monitorEventLoopDelay } from "node:perf_hooks";
import { collectDefaultMetrics, Gauge, type Metric, Registry } from "prom-client";
import { CheapCounter } from "./counter.ts";
import { CheapHistogram } from "./histogram.ts";
import { type Instrument, instruments } from "./instruments.ts";
import type { Metrics } from "./metrics.ts";

/** Called before each rendering, to read what is a level and not an event. */
export type Collector = (metrics: Metrics) => void;

/** All instruments of a process as JSON, for the one that adds them up. */
export type Readings = Awaited<ReturnType<Registry["getMetricsAsJSON"]>>;

export interface PrometheusMetrics extends Metrics {
  /** `text/plain; version=0.0.4; charset=utf-8`. */
  readonly contentType: string;
  addCollector(collector: Collector): void;
  readings(): Promise<Readings>;
}

type Labels = Readonly<Record<string, string>>;

const NO_LABELS: Labels = Object.freeze({});

const KINDS = new Map<unknown, string>([
  [CheapCounter, "counter"],
  [CheapHistogram, "histogram"],
  [Gauge, "gauge"],
]);

export interface MetricsOptions {
  /** Upper bounds of the histogram of API requests; empty are our own. */
  readonly apiBuckets?: readonly number[];
  /** Gets what the instruments get. */
  readonly telemetry?: Omit<Metrics, "render"> | undefined;
}

/** The instruments of this process in a registry of their own. */
export function createMetrics({
  apiBuckets = [],
  telemetry,
}: MetricsOptions = {}): PrometheusMetrics {
  const registry = new Registry();
  const made = new Map(
    Object.entries(instruments).map(([name, spec]) => [name, make(name, spec, apiBuckets)]),
  );
  // The types ask for more of an instrument than what a registry reads of it.
  for (const instrument of made.values()) registry.registerMetric(instrument as unknown as Metric);
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 });
  const collectors: Collector[] = [eventLoopDelay()];

  const find = <Kind>(name: string, kind: new (...parameters: never[]) => Kind): Kind => {
    const instrument = made.get(name);
    if (instrument instanceof kind) return instrument;
    throw new Error(`There is no ${KINDS.get(kind) ?? ""} called "${name}".`);
  };
  const metrics: PrometheusMetrics = {
    contentType: registry.contentType,
    count(name, labels = NO_LABELS, by = 1) {
      if (levels.has(name)) find(name, Gauge).inc(labels, by);
      else find(name, CheapCounter).inc(labels, by);
      telemetry?.count(name, labels, by);
    },
    observe(name, value, labels = NO_LABELS) {
      find(name, CheapHistogram).observe(labels, value);
      telemetry?.observe(name, value, labels);
    },
    gauge(name, value, labels = NO_LABELS) {
      find(name, Gauge).set(labels, value);
      telemetry?.gauge(name, value, labels);
    },
    addCollector: (collector) => void collectors.push(collector),
    render() {
      for (const collect of collectors) collect(metrics);
      return registry.metrics();
    },
    readings() {
      for (const collect of collectors) collect(metrics);
      return registry.getMetricsAsJSON();
    },
  };
  return metrics;
}

/** For processes that nobody reads: checks nothing, keeps nothing. */
export const silentMetrics: PrometheusMetrics = {
  contentType: "text/plain",
  addCollector: () => undefined,
  count: () => undefined,
  observe: () => undefined,
  gauge: () => undefined,
  render: () => Promise.resolve(""),
  readings: () => Promise.resolve([]),
};

/** `4xx` for 404: the label that dashboards group by. */
export const statusClass = (status: number): string => `${Math.floor(status / 100)}xx`;

const levels = new Set(
  Object.entries(instruments).flatMap(([name, { kind }]) => (kind === "level" ? [name] : [])),
);

const API_DURATION = "pulp_api_request_duration_milliseconds";

function make(
  name: string,
  spec: Instrument,
  apiBuckets: readonly number[],
): CheapCounter | Gauge | CheapHistogram {
  const options = { name, help: spec.help, labelNames: [...(spec.labels ?? [])] };
  if (spec.kind === "counter") return new CheapCounter(options);
  if (spec.kind !== "histogram") return new Gauge({ ...options, registers: [] });
  const own = name === API_DURATION && apiBuckets.length > 0 ? apiBuckets : (spec.buckets ?? []);
  return new CheapHistogram({ ...options, buckets: own });
}

function eventLoopDelay(): Collector {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  return (metrics) => {
    const quantiles: Labels = { "0.5": "50", "0.99": "99", "0.999": "99.9" };
    for (const [quantile, percentile] of Object.entries(quantiles)) {
      const value = delay.percentile(Number(percentile)) / 1e9;
      metrics.gauge("deckle_event_loop_delay_seconds", value, { quantile });
    }
    delay.reset();
  };
}
