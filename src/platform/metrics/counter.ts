import { Cells } from "./cells.ts";

type Labels = Readonly<Record<string, string>>;

/** A counter as a registry reads it, which costs little to count with. */
export class CheapCounter {
  readonly type = "counter";
  /** Of several processes the numbers are added up. */
  readonly aggregator = "sum";
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly #cells: Cells<{ value: number }>;

  constructor(spec: Pick<CheapCounter, "name" | "help" | "labelNames">) {
    this.name = spec.name;
    this.help = spec.help;
    this.labelNames = spec.labelNames;
    this.#cells = new Cells(spec.labelNames, () => ({ value: 0 }));
    // One without labels is told from the start.
    if (spec.labelNames.length === 0) this.#cells.of({});
  }

  /** @throws TypeError if it would fall, or become no number. */
  inc(labels: Labels, by: number): void {
    if (!(by >= 0 && by < Number.POSITIVE_INFINITY))
      throw new TypeError(`${this.name} cannot grow by ${by}.`);
    this.#cells.of(labels).value += by;
  }

  get() {
    const { name, help, type, aggregator } = this;
    const values = [...this.#cells.all()].map(({ labels, cell: { value } }) => ({ labels, value }));
    return Promise.resolve({ name, help, type, aggregator, values });
  }
}
