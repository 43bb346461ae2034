/** What the members of every version should be: sets of names, no ranges. */
export class VersionModel {
  versions = new Map<number, ReadonlySet<string>>([[0, new Set<string>()]]);
  next = 1;

  get latest(): ReadonlySet<string> {
    return this.versions.get(this.numbers.at(-1) ?? 0) ?? new Set();
  }

  get numbers(): number[] {
    return [...this.versions.keys()].sort((a, b) => a - b);
  }

  /** A new version, unless it is what there is. */
  #commit(members: ReadonlySet<string>): void {
    if (members.symmetricDifference(this.latest).size === 0) return;
    this.versions.set(this.next, members);
    this.next += 1;
  }

  /** Code of the error that the edit deserves, if any. */
  modify(edit: ModelEdit): string | undefined {
    const start = edit.base === undefined ? this.latest : this.versions.get(edit.base);
    const add = new Set(edit.add);
    const removed = (edit.remove === "*" ? this.latest : new Set(edit.remove)).difference(add);
    const rest = (start ?? new Set<string>()).difference(removed);
    if (hasSlotTwice(add)) return "PLP0022";
    const pushedOut = [...rest].filter((unit) => !add.has(unit) && takesSlot(add, unit));
    if (edit.overwrite === false && pushedOut.length > 0) return "PLP0023";
    this.#commit(rest.difference(new Set(pushedOut)).union(add));
    return undefined;
  }

  sync(batches: readonly ModelBatch[], isMirror: boolean): string | undefined {
    const { latest } = this;
    let members: ReadonlySet<string> = latest;
    const seen = new Set<string>();
    for (const { kind, units } of batches) {
      const named = new Set(units);
      if (kind === "remove") {
        members = members.difference(named);
        continue;
      }
      for (const unit of named) if (latest.has(unit)) seen.add(unit);
      const absent = named.difference(members);
      const pushedOut = [...members].filter((unit) => takesSlot(absent, unit));
      if (hasSlotTwice(absent) || pushedOut.some((unit) => !latest.has(unit))) return "PLP0022";
      members = members.difference(new Set(pushedOut)).union(absent);
    }
    const kept = [...members].filter((unit) => seen.has(unit) || !latest.has(unit));
    this.#commit(isMirror ? new Set(kept) : members);
    return undefined;
  }

  delete(number: number): string | undefined {
    if (this.versions.size === 1) return "PLP0011";
    this.versions.delete(number);
    return undefined;
  }

  retain(count: number): void {
    for (const number of this.numbers.slice(0, -count)) this.versions.delete(number);
  }
}

export interface ModelEdit {
  readonly add: readonly string[];
  readonly remove: readonly string[] | "*";
  readonly base?: number;
  readonly overwrite?: boolean;
}

export interface ModelBatch {
  readonly kind: "add" | "remove";
  readonly units: readonly string[];
}

/** `a@1` and `a@2` share a slot; notes, whose names begin with `note`, have none. */
const slotOf = (unit: string): string | undefined =>
  unit.startsWith("note") ? undefined : unit.split("@")[0];

const takesSlot = (units: ReadonlySet<string>, other: string): boolean =>
  slotOf(other) !== undefined &&
  [...units].some((unit) => unit !== other && slotOf(unit) === slotOf(other));

const hasSlotTwice = (units: ReadonlySet<string>): boolean =>
  [...units].some((unit) => takesSlot(units, unit));
