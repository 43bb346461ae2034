import { mapBounded } from "#base/parallel.ts";
import type { DeclaredUnit } from "#sdk";
import { type ManifestFacts, type PlatformFacts, readManifest } from "../format/manifest.ts";
import { isIndexType } from "../format/media-types.ts";
import { saveManifests } from "../save.ts";
import { aboutUpstream, upstreamErrors } from "../upstream/errors.ts";
import { upstreamManifest } from "../upstream/registry.ts";
import { blobUnit, isChild, isMirroredBlob } from "./blob-units.ts";
import { type StoredConfigs, storeConfigs } from "./configs.ts";
import { type KnownManifest, knownManifests, settledImages } from "./known.ts";
import type { MirrorSync, ReadManifest } from "./mirror-sync.ts";
import { isDeferred } from "./options.ts";
import { takesPlatform } from "./platforms.ts";

/** Manifests, and bytes of them, that are in memory at one time per level of indexes. */
const MOST_LOADED = 200;
const MOST_BYTES = 8 * 1024 * 1024;
/** Indexes within indexes. */
const MOST_DEPTH = 8;

/** Which images a sync takes; every one without it. */
export interface Takes {
  /** Asked of each image. */
  readonly admits?: (digest: string) => Promise<boolean>;
  /** Of the children of indexes, those for these machines; what an index says is left as it is. */
  readonly platforms?: readonly string[];
}

/**
 * Brings manifests with everything that is below them. Each digest is looked at once in a sync; what
 * the version has completely is not read at all.
 */
export class ManifestGraph {
  readonly #sync: MirrorSync;
  readonly #ids = new Map<string, string>();
  readonly #problems = new Map<string, Error>();
  readonly #blobs = new Set<string>();
  /** What indexes say of children that are not saved yet. */
  readonly #platforms = new Map<string, PlatformFacts>();
  #fresh: string[] = [];
  #settled: string[] = [];

  readonly #takes: Takes;

  constructor(sync: MirrorSync, takes: Takes = {}) {
    this.#sync = sync;
    this.#takes = takes;
  }

  /** `content.id` of a manifest that was brought. */
  id(digest: string): string | undefined {
    return this.#ids.get(digest);
  }

  /** Why a manifest could not be brought. */
  problem(digest: string): Error | undefined {
    return this.#problems.get(digest);
  }

  /** `content.id`s of all that was brought, in pieces. */
  *ids(): Generator<string[]> {
    let piece: string[] = [];
    for (const id of this.#ids.values()) {
      piece.push(id);
      if (piece.length === MOST_LOADED) {
        yield piece;
        piece = [];
      }
    }
    if (piece.length > 0) yield piece;
  }

  /** Those that the version has with all they need. */
  get settled(): readonly string[] {
    return this.#settled;
  }

  /** Digests that were brought since the last call. */
  takeFresh(): string[] {
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }

  /**
   * Brings manifests, children first, and yields the blobs that they need. What cannot be brought is
   * a `problem`; an index is one with a child that is broken, while one that is missing is not.
   *
   * @param given manifests that are read already.
   */
  async *bring(
    digests: readonly string[],
    given: ReadonlyMap<string, ManifestFacts> = new Map(),
    depth = 0,
  ): AsyncGenerator<readonly DeclaredUnit[]> {
    const queue = new Set(digests.filter((digest) => !this.#isSeen(digest)));
    while (queue.size > 0) {
      const loaded = await this.#load(queue, given);
      const children = loaded.flatMap(({ facts }) => this.#children(facts));
      if (children.length > 0 && depth >= MOST_DEPTH) this.#refuseDeep(loaded);
      else yield* this.bring(children, given, depth + 1);
      yield await this.#save(loaded.filter((read) => this.#isWhole(read)));
    }
  }

  /** Children of an index; the first that names one says what machine it is for. */
  #children(facts: ManifestFacts): string[] {
    for (const { digest, platform } of facts.references)
      if (platform && !this.#isSeen(digest) && !this.#platforms.has(digest))
        this.#platforms.set(digest, platform);
    return this.#childrenOf(facts);
  }

  /** Children that this sync takes. */
  #childrenOf({ mediaType, references }: ManifestFacts): string[] {
    if (!isIndexType(mediaType)) return [];
    const { platforms = [] } = this.#takes;
    return references
      .filter((each) => isChild(each) && takesPlatform(platforms, each.platform ?? undefined))
      .map(({ digest }) => digest);
  }

  #isSeen(digest: string): boolean {
    return this.#ids.has(digest) || this.#problems.has(digest);
  }

  #found(digest: string, id: string): void {
    this.#ids.set(digest, id);
    this.#fresh.push(digest);
  }

  /** Takes from the queue what fits into memory; what is settled or broken is done with. */
  async #load(
    queue: Set<string>,
    given: ReadonlyMap<string, ManifestFacts>,
  ): Promise<ReadManifest[]> {
    const { job, remote, version } = this.#sync;
    const chunk = [...queue].slice(0, MOST_LOADED);
    const completeness = { version, remote: remote.id, isDeferred: isDeferred(remote.policy) };
    const settled = await settledImages(job.ctx.db, completeness, chunk);
    for (const [digest, id] of settled) {
      queue.delete(digest);
      if (!(await this.#isAdmitted(digest))) continue;
      this.#settled.push(id);
      this.#found(digest, id);
    }
    const left = chunk.filter((digest) => !settled.has(digest));
    const question = { digests: left, mostBytes: MOST_BYTES };
    const known = await knownManifests(job.ctx.db, version.domain, question);
    let bytes = 0;
    const loaded = await mapBounded(left, remote.concurrency, async (digest) => {
      if (bytes > MOST_BYTES || known.get(digest)?.body === null) return undefined;
      const read = await this.#read(digest, known.get(digest), given.get(digest));
      queue.delete(digest);
      if (read && !isIndexType(read.facts.mediaType) && !(await this.#isAdmitted(digest)))
        return undefined;
      bytes += read?.facts.bytes.length ?? 0;
      return read;
    });
    return loaded.filter((read) => read !== undefined);
  }

  async #isAdmitted(digest: string): Promise<boolean> {
    const { admits } = this.#takes;
    if (!admits || (await admits(digest))) return true;
    this.#problems.set(digest, upstreamErrors.unsigned(digest));
    this.#sync.job.ctx.log.info(`${digest} is not signed and left out`);
    return false;
  }

  async #read(
    digest: string,
    known: KnownManifest | undefined,
    given: ManifestFacts | undefined,
  ): Promise<ReadManifest | undefined> {
    const { job, upstream } = this.#sync;
    if (known?.body) {
      const facts = readManifest(known.body, { contentType: known.mediaType });
      return { facts: { ...facts, digest }, id: known.id };
    }
    if (given) return { facts: given, id: undefined };
    try {
      const facts = await upstreamManifest(upstream, { reference: digest, signal: job.signal });
      if (facts) return { facts, id: undefined };
      throw upstreamErrors.gone(digest);
    } catch (error) {
      job.signal.throwIfAborted();
      this.#problems.set(digest, aboutUpstream(error));
      return undefined;
    }
  }

  /** An index needs those of its children that upstream has. */
  #isWhole({ facts }: ReadManifest): boolean {
    for (const child of this.#childrenOf(facts)) {
      const problem = this.#problems.get(child);
      if (!problem || upstreamErrors.gone.is(problem)) continue;
      this.#problems.set(facts.digest, problem);
      return false;
    }
    return !this.#problems.has(facts.digest);
  }

  #refuseDeep(loaded: readonly ReadManifest[]): void {
    for (const { facts } of loaded)
      if (this.#childrenOf(facts).length > 0)
        this.#problems.set(
          facts.digest,
          upstreamErrors.answer(facts.digest, `it nests deeper than ${MOST_DEPTH} indexes`),
        );
  }

  async #save(loaded: readonly ReadManifest[]): Promise<DeclaredUnit[]> {
    const { remote, upstream } = this.#sync;
    const { problems, facts: configs } = await this.#storeConfigs(
      loaded.filter(({ id }) => id === undefined),
    );
    for (const [digest, problem] of problems) this.#problems.set(digest, problem);
    const whole = loaded.filter(({ facts }) => !problems.has(facts.digest));
    const made = await this.#made(
      whole.filter(({ id }) => id === undefined),
      configs,
    );
    const units: DeclaredUnit[] = [];
    for (const { facts, id } of whole) {
      this.#found(facts.digest, id ?? made(facts.digest));
      this.#platforms.delete(facts.digest);
      for (const reference of facts.references.filter(isMirroredBlob)) {
        if (this.#blobs.has(reference.digest)) continue;
        this.#blobs.add(reference.digest);
        units.push(blobUnit(reference, { place: upstream.place, policy: remote.policy }));
      }
    }
    return units;
  }

  #storeConfigs(loaded: readonly ReadManifest[]): Promise<StoredConfigs> {
    const { job, remote, upstream, version } = this.#sync;
    const { ctx, signal } = job;
    const source = { ctx, domain: version.domain, remote, place: upstream.place, signal };
    return storeConfigs(
      source,
      loaded.map(({ facts }) => facts),
    );
  }

  /** Saves those that are new; gives their ids by digest. */
  async #made(
    loaded: readonly ReadManifest[],
    configs: StoredConfigs["facts"],
  ): Promise<(digest: string) => string> {
    const { job, version } = this.#sync;
    const saved = await saveManifests(job.ctx, version.domain, {
      manifests: loaded.map(({ facts }) => {
        const platform = this.#platforms.get(facts.digest);
        const config = configs.get(facts.digest);
        return { facts, ...(config ? { config } : {}), ...(platform ? { platform } : {}) };
      }),
    });
    const ids = new Map(loaded.map(({ facts }, index) => [facts.digest, saved[index]?.id]));
    return (digest) => {
      const id = ids.get(digest);
      if (id === undefined) throw new Error(`The manifest ${digest} was not saved.`);
      return id;
    };
  }
}
