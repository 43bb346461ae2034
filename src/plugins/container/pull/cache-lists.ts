import { mapBounded } from "#base/parallel.ts";
import type { Ctx } from "#sdk";
import { presentDigests } from "../queries.ts";
import type { Place } from "../registry/places.ts";
import type { RepositoryVisit } from "../registry/registry.ts";
import { callerOf } from "../registry/target.ts";
import { upstreamReferrers } from "../upstream/referrers.ts";
import { upstreamManifest } from "../upstream/registry.ts";
import {
  signatureSource,
  type UpstreamSignature,
  upstreamSignatures,
} from "../upstream/signatures.ts";
import { allTags } from "../upstream/tag-list.ts";
import { atUpstream, type Cache, PATIENCE_MS } from "./at-upstream.ts";
import { bringManifest } from "./bring.ts";
import { isAboutUpstream } from "./errors.ts";
import { RecentAnswers } from "./recent.ts";

/** What is brought along for one image at most. */
const MOST_REFERRERS = 100;
/** Lists of tags that are remembered, and how long one may be. */
const MOST_LISTS = 100;
const MOST_TAGS = 20_000;

/** Of the signatures of one manifest that are remembered. */
const MOST_SIGNATURE_BYTES = 65_536;

const patienceMs = PATIENCE_MS.known;

/** What upstreams list: tags, and what refers to an image. A failing one leaves what is here. */
export class CacheLists {
  readonly #ctx: Ctx;
  readonly #freshMs: number;
  readonly #tags: RecentAnswers<readonly string[]>;
  readonly #referrers: RecentAnswers<boolean>;
  readonly #signatures: RecentAnswers<readonly UpstreamSignature[]>;

  constructor(ctx: Ctx, freshMs: number) {
    this.#ctx = ctx;
    this.#freshMs = freshMs;
    this.#tags = new RecentAnswers(ctx.clock, MOST_LISTS);
    this.#signatures = new RecentAnswers(ctx.clock, MOST_LISTS);
    this.#referrers = new RecentAnswers(ctx.clock, MOST_LISTS * MOST_REFERRERS);
  }

  /** All tags, in any order. */
  async tags(place: Place): Promise<readonly string[]> {
    const key = place.distribution;
    const known = this.#tags.known(key);
    if (known) return known;
    return this.#tags.once(key, async () => {
      const use = (cache: Cache, signal: AbortSignal) => allTags(cache.remote, cache.place, signal);
      const tags = await this.#orNothing(
        place,
        [],
        atUpstream(this.#ctx, place, { patienceMs, use }),
      );
      this.#tags.keep(key, tags, tags.length > MOST_TAGS ? 0 : this.#freshMs);
      return tags;
    });
  }

  /** Brings what refers to a manifest; whether there was something new. */
  async referrers(visit: RepositoryVisit, place: Place, digest: string): Promise<boolean> {
    const key = `${place.distribution} ${digest}`;
    if (this.#referrers.known(key) !== undefined) return false;
    return this.#referrers.once(key, async () => {
      const use = (cache: Cache, signal: AbortSignal) =>
        this.#bring(visit, place, { cache, digest, signal });
      const brought = atUpstream(this.#ctx, place, { patienceMs: PATIENCE_MS.unknown, use });
      const result = await this.#orNothing(place, false, brought);
      this.#referrers.keep(key, result, this.#freshMs);
      return result;
    });
  }

  /** Signatures of a manifest that the upstream hands out by the extension of the protocol. */
  async signatures(place: Place, digest: string): Promise<readonly UpstreamSignature[]> {
    const key = `${place.distribution} ${digest}`;
    const known = this.#signatures.known(key);
    if (known) return known;
    return this.#signatures.once(key, async () => {
      const use = async (cache: Cache, signal: AbortSignal) => {
        const source = await signatureSource(cache, { sigstore: null, signal });
        const onSkipped = (problem: string) => this.#ctx.log.warn(problem);
        return upstreamSignatures(cache, { source, digest, signal, onSkipped });
      };
      const asked = atUpstream(this.#ctx, place, { patienceMs, use });
      const found = await this.#orNothing(place, [], asked);
      const bytes = found.reduce((sum, each) => sum + each.bytes.length, 0);
      this.#signatures.keep(key, found, bytes > MOST_SIGNATURE_BYTES ? 0 : this.#freshMs);
      return found;
    });
  }

  async #bring(
    visit: RepositoryVisit,
    place: Place,
    of: { readonly cache: Cache; readonly digest: string; readonly signal: AbortSignal },
  ): Promise<boolean> {
    const { cache, digest, signal } = of;
    const listed = ((await upstreamReferrers(cache, digest, signal)) ?? []).slice(
      0,
      MOST_REFERRERS,
    );
    const repository = { id: cache.repository, domain: place.domain.num };
    const present = await presentDigests(this.#ctx.db, repository, listed);
    const missing = listed.filter((each) => !present.has(each));
    const caller = callerOf(visit, place);
    await mapBounded(missing, cache.remote.concurrency, async (reference) => {
      const facts = await upstreamManifest(cache, { reference, signal });
      if (facts) await bringManifest(this.#ctx, cache, { facts, tag: null, caller, signal });
    });
    return missing.length > 0;
  }

  async #orNothing<Result>(place: Place, nothing: Result, asked: Promise<Result>): Promise<Result> {
    try {
      return await asked;
    } catch (error) {
      if (!isAboutUpstream(error)) throw error;
      this.#ctx.log.warn(`The upstream of ${place.name} could not be asked for a list: ${error}`);
      return nothing;
    }
  }
}
