import type { RepositoryName } from "./address.ts";
import { isSame, type Place, placeByName } from "./places.ts";
import type { Answer, DoorTools } from "./visit.ts";

/** What no event tells, such as a change of the domain, is noticed after this time. */
const PLACE_MS = 5000;
const MOST_PLACES = 10_000;
/** Changes that are remembered one by one. */
const MOST_CHANGES = 10_000;
/** What an answer costs beside its key and body. */
const OVERHEAD_BYTES = 1024;

/** A distribution, and what it answered lately. */
interface Home {
  place: Place;
  until: number;
  /** Whether its repository may have a later version than the place tells. */
  isOutdated: boolean;
  readonly keys: Set<string>;
}

interface Kept {
  readonly key: string;
  readonly answer: Answer;
  readonly weight: number;
  readonly until: number;
  readonly home: Home;
  /** Requests that are known to mean it, as `recall` is asked for them. */
  readonly requests: string[];
  /** Type that the client has to accept; null where nobody asks. */
  type: string | null;
}

/** The same thing has few addresses, however many ways there are to write them. */
const MOST_REQUESTS = 4;
const LONGEST_REQUEST = 512;

/** What a request was answered a moment ago, and where its name leads. */
export interface Recalled {
  readonly answer: Answer;
  readonly place: Place;
  readonly type: string | null;
}

/** When a request began; what it found is not kept if that has changed since. */
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
  /** By the repository that they serve: each push asks. */
  readonly #servers = new Map<string, Set<Home>>();
  /** Least recently used first. */
  readonly #answers = new Map<string, Kept>();
  readonly #requests = new Map<string, Kept>();
  #bytes = 0;
  #generation = 0;
  /** In which generation a distribution or repository has changed last. */
  readonly #changes = new Map<string, number>();
  /** Of changes up to this generation nobody knows any more what they were about. */
  #unknownUntil = 0;

  constructor(tools: DoorTools, budgetBytes: number) {
    this.#tools = tools;
    this.#budget = budgetBytes;
    const { EXPIRES_TTL: ttlS } = tools.ctx.settings.CACHE_SETTINGS;
    this.#ttlMs = ttlS === null ? Number.POSITIVE_INFINITY : ttlS * 1000;
    this.#feed = tools.follow({
      changed: (distribution, isContentOnly) => {
        if (isContentOnly) this.#outdate(distribution);
        else this.forget(distribution);
      },
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
    if (known && !known.isOutdated && known.until > this.#now()) return known.place;
    return this.freshPlace(name);
  }

  /** The same for a push, to which it does not matter what is served at the moment. */
  target(name: RepositoryName): Place | Promise<Place | undefined> {
    const known = this.#names.get(name.full);
    if (known && known.until > this.#now()) return known.place;
    return this.freshPlace(name);
  }

  /** Asks the database: what is known may be a moment old where another process changed it. */
  async freshPlace(name: RepositoryName): Promise<Place | undefined> {
    const { moment } = this;
    const place = await placeByName(this.#tools.ctx, name);
    if (place && this.#isUnchanged(place, moment)) this.#keepPlace(place);
    return place;
  }

  answer(key: string): Answer | undefined {
    const kept = this.#answers.get(key);
    if (!kept) return undefined;
    if (kept.until <= this.#now()) {
      this.#drop(kept);
      return undefined;
    }
    this.#touch(kept);
    return kept.answer;
  }

  /** The answer for a request that was noted, while it is known where its name leads. */
  recall(request: string): Recalled | undefined {
    const kept = this.#requests.get(request);
    if (!kept) return undefined;
    const now = this.#now();
    const { answer, home, type } = kept;
    if (kept.until <= now || home.isOutdated || home.until <= now) return undefined;
    this.#touch(kept);
    return { answer, place: home.place, type };
  }

  /** The next request of this text means what is kept under the key; nothing if that is gone. */
  note(request: string, key: string, type: string | null): void {
    const kept = this.#answers.get(key);
    if (!kept || kept.requests.length >= MOST_REQUESTS || request.length > LONGEST_REQUEST) return;
    if (this.#requests.has(request)) return;
    kept.type = type;
    kept.requests.push(request);
    this.#requests.set(request, kept);
  }

  /** Puts another form of an answer in its place, unless that has gone meanwhile. */
  replace(key: string, earlier: Answer, answer: Answer): void {
    const kept = this.#answers.get(key);
    if (kept?.answer === earlier) this.#put(key, answer, kept);
  }

  /** Keeps an answer of this place, unless something changed since the moment. */
  keep(key: string, answer: Answer, of: { readonly place: Place; readonly moment: Moment }): void {
    const home = this.#homes.get(of.place.distribution);
    if (!home || home.isOutdated || !this.#isUnchanged(of.place, of.moment)) return;
    this.#put(key, answer, { home, until: this.#now() + this.#ttlMs });
    this.#feed.depend(of.place.xmin);
  }

  /** Forgets a distribution and all that it answered. */
  forget(distribution: string): void {
    this.#noteChange(distribution);
    const home = this.#homes.get(distribution);
    if (home) this.#leave(home);
  }

  /** Forgets what every distribution answered that serves a repository: this process has filled it. */
  outdateRepository(repository: string): void {
    this.#noteChange(repository);
    for (const home of this.#servers.get(repository) ?? []) this.#empty(home);
  }

  close(): Promise<void> {
    return this.#feed.stop();
  }

  /** Forgets what a distribution answered, and which version it serves. */
  #outdate(distribution: string): void {
    this.#noteChange(distribution);
    const home = this.#homes.get(distribution);
    if (home) this.#empty(home);
  }

  #noteChange(id: string): void {
    this.#generation += 1;
    if (this.#changes.size >= MOST_CHANGES) {
      this.#changes.clear();
      this.#unknownUntil = this.#generation;
    }
    this.#changes.set(id, this.#generation);
  }

  /** Whether nothing that the place leads to has changed since. */
  #isUnchanged({ distribution, repository }: Place, { generation }: Moment): boolean {
    if (generation < this.#unknownUntil) return false;
    return [distribution, repository?.id ?? ""].every(
      (id) => (this.#changes.get(id) ?? 0) <= generation,
    );
  }

  #now(): number {
    return this.#tools.ctx.clock.now();
  }

  #keepPlace(place: Place): void {
    const until = this.#now() + PLACE_MS;
    const home = this.#homes.get(place.distribution);
    if (home && home.place.name === place.name && isSame(home.place, place)) {
      Object.assign(home, { place, until, isOutdated: false });
    } else {
      if (home?.isOutdated) this.#leave(home);
      else if (home) this.forget(place.distribution);
      if (this.#homes.size >= MOST_PLACES)
        for (const each of [...this.#homes.values()]) this.#leave(each);
      const made = { place, until, isOutdated: false, keys: new Set<string>() };
      this.#homes.set(place.distribution, made);
      this.#names.set(place.name, made);
      this.#serve(made);
    }
    this.#feed.depend(place.xmin);
  }

  #serve(home: Home): void {
    const { repository } = home.place;
    if (!repository) return;
    const servers = this.#servers.get(repository.id) ?? new Set();
    this.#servers.set(repository.id, servers.add(home));
  }

  #leave(home: Home): void {
    const { distribution, name, repository } = home.place;
    this.#homes.delete(distribution);
    const servers = this.#servers.get(repository?.id ?? "");
    if (servers?.delete(home) && servers.size === 0) this.#servers.delete(repository?.id ?? "");
    if (this.#names.get(name) === home) this.#names.delete(name);
    this.#empty(home);
  }

  #empty(home: Home): void {
    home.isOutdated = true;
    for (const key of [...home.keys]) {
      const kept = this.#answers.get(key);
      if (kept) this.#drop(kept);
    }
  }

  #put(key: string, answer: Answer, { home, until }: Pick<Kept, "home" | "until">): void {
    const weight = OVERHEAD_BYTES + 2 * key.length + answer.weight;
    if (weight > this.#budget / 16) return;
    const earlier = this.#answers.get(key);
    if (earlier) this.#drop(earlier);
    this.#answers.set(key, { key, answer, weight, home, until, requests: [], type: null });
    home.keys.add(key);
    this.#bytes += weight;
    for (const oldest of this.#answers.values()) {
      if (this.#bytes <= this.#budget) return;
      this.#drop(oldest);
    }
  }

  #touch(kept: Kept): void {
    this.#answers.delete(kept.key);
    this.#answers.set(kept.key, kept);
  }

  #drop({ key, weight, home, requests }: Kept): void {
    this.#answers.delete(key);
    for (const request of requests) this.#requests.delete(request);
    home.keys.delete(key);
    this.#bytes -= weight;
  }

  #isIdle(): boolean {
    const now = this.#now();
    for (const kept of this.#answers.values()) if (kept.until <= now) this.#drop(kept);
    for (const home of [...this.#homes.values()]) {
      if (home.until <= now && home.keys.size === 0) this.#leave(home);
    }
    this.#tools.ctx.metrics.gauge("deckle_cache_bytes", this.#bytes, { cache: "registry" });
    return this.#homes.size === 0;
  }
}
