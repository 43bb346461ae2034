type Labels = Readonly<Record<string, string>>;

/**
 * What is kept for each set of labels. A frozen set is a constant and found by its identity, which
 * costs a fraction of reading its texts; others are found by those.
 */
export class Cells<Cell> {
  readonly #names: readonly string[];
  readonly #make: () => Cell;
  readonly #byText = new Map<string, { readonly labels: Labels; readonly cell: Cell }>();
  readonly #byIdentity = new WeakMap<Labels, Cell>();

  /** @param names of the labels, in the order in which they are told apart. */
  constructor(names: readonly string[], make: () => Cell) {
    this.#names = names;
    this.#make = make;
  }

  /** @throws for a label that the instrument does not have. */
  of(labels: Labels): Cell {
    return this.#byIdentity.get(labels) ?? this.#read(labels);
  }

  all(): Iterable<{ readonly labels: Labels; readonly cell: Cell }> {
    return this.#byText.values();
  }

  #read(labels: Labels): Cell {
    const unknown = Object.keys(labels).find((name) => !this.#names.includes(name));
    if (unknown !== undefined) throw new Error(`There is no label called "${unknown}".`);
    const text = JSON.stringify(this.#names.map((name) => labels[name]));
    const known = this.#byText.get(text);
    const cell = known?.cell ?? this.#make();
    if (!known) this.#byText.set(text, { labels: { ...labels }, cell });
    if (Object.isFrozen(labels)) this.#byIdentity.set(labels, cell);
    return cell;
  }
}
