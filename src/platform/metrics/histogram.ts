import { Cells } from "./cells.ts";

type Labels = Readonly<Record<string, string>>;

export interface HistogramSpec {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** Upper bounds, the lowest first. */
  readonly buckets: readonly number[];
}

interface Cell {
  /** Values up to each bound and above the one before it, and those above all of them. */
  readonly counts: number[];
  sum: number;
}

interface Value {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** A histogram as a registry reads it, whose values cost little to take note of. */
export class CheapHistogram {
  readonly type = "histogram";
  /** Of several processes the numbers are added up. */
  readonly aggregator = "sum";
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly #buckets: readonly number[];
  readonly #cells: Cells<Cell>;

  constructor({ name, help, labelNames, buckets }: HistogramSpec) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
    this.#buckets = buckets;
    const most = buckets.length + 1;
    this.#cells = new Cells(labelNames, () => ({ counts: Array(most).fill(0), sum: 0 }));
  }

  /** @throws TypeError for what is no number. */
  observe(labels: Labels, value: number): void {
    if (!Number.isFinite(value)) throw new TypeError(`${this.name} cannot take ${value}.`);
    const cell = this.#cells.of(labels);
    let at = 0;
    while (at < this.#buckets.length && value > (this.#buckets[at] ?? 0)) at += 1;
    cell.counts[at] = (cell.counts[at] ?? 0) + 1;
    cell.sum += value;
  }

  get() {
    const { name, help, type, aggregator } = this;
    const values = [...this.#cells.all()].flatMap(({ labels, cell }) => this.#values(labels, cell));
    return Promise.resolve({ name, help, type, aggregator, values });
  }

  #values(labels: Labels, { counts, sum }: Cell): Value[] {
    let count = 0;
    const buckets = counts.map((own, at) => {
      count += own;
      const le = this.#buckets[at] ?? "+Inf";
      return { metricName: `${this.name}_bucket`, labels: { le, ...labels }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${this.name}_sum`, labels, value: sum },
      { metricName: `${this.name}_count`, labels, value: count },
    ];
  }
}
