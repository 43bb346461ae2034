import type { Measurement } from "#base/measurement.ts";
import type { Metrics } from "./metrics.ts";

/** What waits at most to be sent; more is lost, since numbers are not worth memory. */
const MAX_WAITING = 10_000;
const SEND_MS = 500;

export interface ForwardedMetrics extends Metrics {
  /** Sends what waits. */
  flush(): void;
}

/**
 * Instruments of a process that nobody reads: what it measures goes to the one that started it.
 *
 * @param send takes a batch; adjacent counts of one instrument are one
 */
export function forwardedMetrics(
  send: (measurements: readonly Measurement[]) => void,
): ForwardedMetrics {
  let waiting: Measurement[] = [];
  let counts = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.length === 0) return;
    const batch = waiting;
    waiting = [];
    counts = new Map();
    send(batch);
  };
  const add = (measurement: Measurement) => {
    if (waiting.length >= MAX_WAITING) return;
    waiting.push(measurement);
    timer ??= setTimeout(flush, SEND_MS).unref();
  };
  return {
    count(name, labels = {}, by = 1) {
      const key = `${name}\n${JSON.stringify(labels)}`;
      const at = counts.get(key);
      const known = at === undefined ? undefined : waiting[at];
      if (at === undefined || known === undefined) {
        counts.set(key, waiting.length);
        add(["count", name, by, labels]);
      } else waiting[at] = ["count", name, known[2] + by, labels];
    },
    observe: (name, value, labels = {}) => add(["observe", name, value, labels]),
    gauge: (name, value, labels = {}) => add(["gauge", name, value, labels]),
    render: () => Promise.resolve(""),
    flush,
  };
}
