type Labels = Readonly<Record<string, string>>;

/** One call of an instrument, as it travels between processes. */
export type Measurement = readonly [
  kind: "count" | "observe" | "gauge",
  name: string,
  value: number,
  labels: Labels,
];

interface Instruments {
  count(name: string, labels: Labels, by: number): void;
  observe(name: string, value: number, labels: Labels): void;
  gauge(name: string, value: number, labels: Labels): void;
}

/** Does what another process was asked to do. */
export function applyMeasurement(
  instruments: Instruments,
  [kind, name, value, labels]: Measurement,
): void {
  if (kind === "count") instruments.count(name, labels, value);
  else instruments[kind](name, value, labels);
}
