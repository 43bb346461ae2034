import type { RepositoryName } from "./address.ts";
import { type Place, placeByName } from "./places.ts";
import type { Answer, DoorTools } from "./visit.ts";

/** What no event tells, such as a change of the domain, is noticed after this time. */
const PLACE_MS = 5000;
const MOST_PLACES = 10_000;
/** What an answer costs beside its key and body. */
const OVERHEAD_BYTES = 1024;

/** A distribution, and what it answered lately. */
interface Home {
  place: Place;
  until: number;
  readonly keys: Set<string>;
}

interface Kept {
  readonly answer: Answer;
  readonly weight: number;
  readonly until: number;
  readonly home: Home;
}

/** What was known when a request began; answers of an older generation are not kept. */
export interface Moment {
  readonly generation: number;
}

/**
 * What the process remembers: where names lead, and answers about manifests and blobs. Changes of a
 * distribution, heard of through the feed or told by this process itself, forget what is its own.
 */
export class RegistryMemory {
  readonly #tools: DoorTools;
  readonly #budget: number;
  readonly #ttlMs: number;
  readonly #feed: ReturnType<DoorTools["follow"]>;
  /** By distribution; and by the name that leads to it. */
  readonly #homes = new Map<string, Home>();
  readonly #names = new Map<string, Home>();
  /** Least recently used first. */
  readonly #answers = new Map<string, Kept>();
  #bytes = 0;
  #generation = 0;

  constructor(tools: DoorTools, budgetBytes: number) {
    this.#tools = tools;
    this.#budget = budgetBytes;
    const { EXPIRES_TTL: ttlS } = tools.ctx.settings.CACHE_SETTINGS;
    this.#ttlMs = ttlS === null ? Number.POSITIVE_INFINITY : ttlS * 1000;
    this.#feed = tools.follow({
      changed: (distribution) => this.forget(distribution),
      isIdle: () => this.#isIdle(),
    });
  }

  get bytes(): number {
    return this.#bytes;
  }

  get moment(): Moment {
    return { generation: this.#generation };
  }

  /** No promise where it is known. */
  place(name: RepositoryName): Place | Promise<Place | undefined> {
    const known = this.#names.get(name.full);
    if (known && known.until > this.#now()) return known.place;
    return this.freshPlace(name);
  }

  /** Asks the database: what is known may be a moment old where another process changed it. */
  async freshPlace(name: RepositoryName): Promise<Place | undefined> {
    const { generation } = this.moment;
    const place = await placeByName(this.#tools.ctx, name);
    if (place && generation === this.#generation) this.#keepPlace(place);
    return place;
  }

  answer(key: string): Answer | undefined {
    const kept = this.#answers.get(key);
    if (!kept) return undefined;
    if (kept.until <= this.#now()) {
      this.#drop(key, kept);
      return undefined;
    }
    this.#answers.delete(key);
    this.#answers.set(key, kept);
    return kept.answer;
  }

  /** Keeps an answer of this place, unless something changed since the moment. */
  keep(key: string, answer: Answer, of: { readonly place: Place; readonly moment: Moment }): void {
    const weight = OVERHEAD_BYTES + 2 * key.length + answer.weight;
    const home = this.#homes.get(of.place.distribution);
    if (!home || of.moment.generation !== this.#generation || weight > this.#budget / 16) return;
    const earlier = this.#answers.get(key);
    if (earlier) this.#drop(key, earlier);
    this.#answers.set(key, { answer, weight, home, until: this.#now() + this.#ttlMs });
    home.keys.add(key);
    this.#bytes += weight;
    this.#feed.depend(of.place.xmin);
    for (const [oldest, kept] of this.#answers) {
      if (this.#bytes <= this.#budget) return;
      this.#drop(oldest, kept);
    }
  }

  /** Forgets a distribution and all that it answered. */
  forget(distribution: string): void {
    this.#generation += 1;
    const home = this.#homes.get(distribution);
    if (home) this.#leave(home);
  }

  /** Forgets every distribution that serves a repository, since this process has changed it. */
  forgetRepository(repository: string): void {
    this.#generation += 1;
    for (const home of this.#homes.values()) {
      if (home.place.repository?.id === repository) this.#leave(home);
    }
  }

  close(): Promise<void> {
    return this.#feed.stop();
  }

  #now(): number {
    return this.#tools.ctx.clock.now();
  }

  #keepPlace(place: Place): void {
    const until = this.#now() + PLACE_MS;
    const home = this.#homes.get(place.distribution);
    if (home && home.place.name === place.name) {
      Object.assign(home, { place, until });
    } else {
      if (home) this.#leave(home);
      if (this.#homes.size >= MOST_PLACES)
        for (const each of [...this.#homes.values()]) this.#leave(each);
      const made = { place, until, keys: new Set<string>() };
      this.#homes.set(place.distribution, made);
      this.#names.set(place.name, made);
    }
    this.#feed.depend(place.xmin);
  }

  #leave(home: Home): void {
    const { distribution, name } = home.place;
    this.#homes.delete(distribution);
    if (this.#names.get(name) === home) this.#names.delete(name);
    for (const key of [...home.keys]) {
      const kept = this.#answers.get(key);
      if (kept) this.#drop(key, kept);
    }
  }

  #drop(key: string, { weight, home }: Kept): void {
    this.#answers.delete(key);
    home.keys.delete(key);
    this.#bytes -= weight;
  }

  #isIdle(): boolean {
    const now = this.#now();
    for (const [key, kept] of this.#answers) if (kept.until <= now) this.#drop(key, kept);
    for (const home of [...this.#homes.values()]) {
      if (home.until <= now && home.keys.size === 0) this.#leave(home);
    }
    this.#tools.ctx.metrics.gauge("deckle_cache_bytes", this.#bytes, { cache: "registry" });
    return this.#homes.size === 0;
  }
}
