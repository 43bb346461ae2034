/** Instruments by name; unknown names are a programming error. Units are part of the name. */
export interface Metrics {
  count(name: string, labels?: Readonly<Record<string, string>>, by?: number): void;
  observe(name: string, value: number, labels?: Readonly<Record<string, string>>): void;
  gauge(name: string, value: number, labels?: Readonly<Record<string, string>>): void;
  /** Prometheus text format 0.0.4. */
  render(): Promise<string>;
}
