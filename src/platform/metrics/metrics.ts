type Labels = Readonly<Record<string, string>>;

/** Instruments by name; unknown names are a programming error. Units are part of the name. */
export interface Metrics {
  /** Adds to a counter, or to a level, whose steps may be negative. */
  count(name: string, labels?: Labels, by?: number): void;
  observe(name: string, value: number, labels?: Labels): void;
  /** Sets a gauge or a level. */
  gauge(name: string, value: number, labels?: Labels): void;
  /** Prometheus text format 0.0.4. */
  render(): Promise<string>;
}
