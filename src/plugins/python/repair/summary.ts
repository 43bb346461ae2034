import type { Package, Repaired } from "./members.ts";

/** Packages that a line names; of more it says how many. */
const MOST_NAMED = 200;

/** What a repair did, for one line of the log that tools read (service §18, 0047). */
export class Summary {
  #repaired = 0;
  #metadata = 0;
  readonly #packages = new Names();
  readonly #wheels = new Names();

  add({ changed, metadata, unread }: Repaired): void {
    this.#repaired += changed;
    this.#metadata += metadata;
    for (const one of unread) {
      this.#packages.add(one);
      if (one.filename.endsWith(".whl")) this.#wheels.add(one);
    }
  }

  /** @param repository its name */
  text(repository: string): string {
    return (
      `Repository: ${repository}. ${this.#repaired} packages' metadata repaired. ` +
      "Not repaired packages due to either inaccessible URL or mismatched sha256: " +
      `${this.#packages}. ${this.#metadata} metadata files repaired. ` +
      `Packages whose metadata files could not be repaired: ${this.#wheels}.`
    );
  }
}

class Names {
  readonly #texts: string[] = [];
  #count = 0;

  add({ name, version, id }: Package): void {
    this.#count += 1;
    if (this.#texts.length < MOST_NAMED) this.#texts.push(`${name}-${version} (${id})`);
  }

  toString(): string {
    if (this.#count === 0) return "none";
    const more = this.#count - this.#texts.length;
    return `[${this.#texts.join(", ")}${more > 0 ? `, and ${more} more` : ""}]`;
  }
}
