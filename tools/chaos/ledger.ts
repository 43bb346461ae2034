/** What clients were told, and what therefore has to be there whatever is killed (R1). */
export class Ledger {
  /** Files that stay in a repository: path and digest. */
  readonly kept = new Map<string, string>();
  /** Units and artifacts that nothing uses yet, by href with their digests. */
  readonly loose = new Map<string, string>();
  /** Versions that a completed task named, with what the client asked for. */
  readonly versions = new Map<string, Change | undefined>();
  readonly publications = new Map<string, string>();
  readonly repositories = new Set<string>();
  /** Objects whose deletion was acknowledged. */
  readonly gone = new Set<string>();
  /** What went wrong, by kind: how often. */
  readonly broken = new Map<string, number>();
  /** What no fault excuses. */
  readonly wrong: string[] = [];
  done = 0;
  /** Images that were pushed, and uploads to the registry that were finished after a fault. */
  images = 0;
  resumed = 0;
  #cleanings = 0;
  #isCleaning = false;

  /** A moment for `addLoose`; undefined while a clean-up may take what is unused. */
  moment(): number | undefined {
    return this.#isCleaning ? undefined : this.#cleanings;
  }

  /** Nothing is safe that was made during a clean-up, or before one that began meanwhile. */
  addLoose(moment: number | undefined, href: string, digest: string): void {
    if (moment !== undefined && moment === this.moment()) this.loose.set(href, digest);
  }

  /** A clean-up has been asked for: from now on nothing unused is safe. */
  beginCleaning(): void {
    this.#cleanings += 1;
    this.#isCleaning = true;
    this.loose.clear();
  }

  /** It is known that no clean-up runs or waits. */
  endCleaning(): void {
    this.#isCleaning = false;
  }

  /** Versions of a repository, or one of them, are about to be deleted, with their publications. */
  forget(href: string): void {
    for (const version of this.versions.keys()) {
      if (version.startsWith(href)) this.versions.delete(version);
    }
    for (const [publication, version] of this.publications) {
      if (version.startsWith(href)) this.publications.delete(publication);
    }
    this.repositories.delete(href);
  }

  count(kind: string): void {
    this.broken.set(kind, (this.broken.get(kind) ?? 0) + 1);
  }
}

export interface Change {
  readonly unit: string;
  readonly isMember: boolean;
}
