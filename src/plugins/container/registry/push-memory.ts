import { dropOldest } from "#base/drop-oldest.ts";
import type { growth } from "#sdk";
import type { Present } from "../queries.ts";

export type Base = Parameters<typeof growth.growthOf>[0];
type TakenSlot = Parameters<typeof growth.growthOf>[1]["replaced"][number];

const MOST_REPOSITORIES = 256;
/** Of one repository. */
const MOST_PARTS = 100;
const MOST_SLOTS = 100;

/** A repository as this process has seen it last, or left it: not all of it. */
interface Seen {
  readonly base: Base;
  /** What its latest version has or a push has brought, by digest. */
  readonly parts: Map<string, Present>;
  /** Slots that are taken. */
  readonly slots: Map<string, TakenSlot>;
}

/** What is new about a repository. */
interface News {
  readonly parts: Iterable<readonly [digest: string, part: Present]>;
  readonly slots: readonly TakenSlot[];
}

/**
 * What this process knows of the repositories that it pushes to, so that a push need not look first. It
 * is good for as long as the row of the repository stays the same, which the flight that writes checks;
 * what is pending is checked there, too.
 */
export class PushMemory {
  /** Least recently used first. */
  readonly #seen = new Map<string, Seen>();

  of(repository: string): Seen | undefined {
    return this.#seen.get(repository);
  }

  /** A repository was looked at. Of what was known under another row only what is pending may be left. */
  see(base: Base, news: News): void {
    const known = this.#seen.get(base.repository.id);
    const isSame = known?.base.rowVersion === base.rowVersion;
    const left = [...(known?.parts ?? [])].filter(([, { isPending }]) => isSame || isPending);
    const slots = isSame ? known.slots : new Map<string, TakenSlot>();
    this.#put({ base, parts: new Map(left), slots }, news);
  }

  /** It got a version that adds this, and nothing else. */
  grow(base: Base, news: News): void {
    const known = this.#seen.get(base.repository.id);
    if (known) this.#put({ ...known, base }, news);
  }

  /** A blob was pushed to it and is in no version yet. */
  bring(repository: string, digest: string, id: string): void {
    const known = this.#seen.get(repository);
    if (!known) return;
    this.#put(known, { parts: [[digest, { id, kind: "blob", isPending: true }]], slots: [] });
  }

  forget(repositories: Iterable<string>): void {
    for (const repository of repositories) this.#seen.delete(repository);
  }

  #put(seen: Seen, { parts, slots }: News): void {
    const { id } = seen.base.repository;
    this.#seen.delete(id);
    this.#seen.set(id, seen);
    dropOldest(this.#seen, { most: MOST_REPOSITORIES });
    for (const [digest, part] of parts) seen.parts.set(digest, part);
    dropOldest(seen.parts, { most: MOST_PARTS });
    for (const one of slots) seen.slots.set(one.slot, one);
    dropOldest(seen.slots, { most: MOST_SLOTS });
  }
}
