import { AggregatorRegistry } from "prom-client";
import type { Readings } from "./prometheus.ts";

/** Names of processes, which come and go: their numbers are added up. */
const PROCESS_LABELS = ["worker_name", "worker_process"];

/** Everything that several processes measured, in the text format of Prometheus. */
export function aggregate(all: readonly Readings[]): Promise<string> {
  return AggregatorRegistry.aggregate(all.map(withoutProcess)).metrics();
}

/**
 * Adds what a process had counted when it ended, so that no sum falls; what it only had at the time
 * goes with it.
 */
export async function addRetired(retired: Readings, ended: Readings): Promise<Readings> {
  const counted = ended.filter(({ type }) => ["counter", "histogram"].includes(String(type)));
  return AggregatorRegistry.aggregate([retired, withoutProcess(counted)]).getMetricsAsJSON();
}

const withoutProcess = (readings: Readings): Readings =>
  readings.map((metric) => ({
    ...metric,
    values: metric.values.map((value) => ({ ...value, labels: remaining(value.labels) })),
  })) as Readings;

const remaining = (labels: object): object =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => !PROCESS_LABELS.includes(name)));
