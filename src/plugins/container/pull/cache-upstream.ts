import type { Ctx } from "#sdk";
import { openRemote } from "#sdk";
import { isAboutImmutable } from "../errors.ts";
import { readManifest } from "../format/manifest.ts";
import { isRepositoryName, isTag, parseDigest } from "../format/names.ts";
import { knownManifests } from "../mirror/known.ts";
import { addPending } from "../pending.ts";
import { registryErrors } from "../registry/errors.ts";
import { manifestByTag } from "../registry/manifest-queries.ts";
import type { RegistryMemory } from "../registry/memory.ts";
import { type Place, placeByName } from "../registry/places.ts";
import type { RegistryUpstream, RepositoryVisit } from "../registry/registry.ts";
import { callerOf } from "../registry/target.ts";
import { queryOf } from "../registry/visit.ts";
import { saveBlobs } from "../save.ts";
import { blobSize } from "../upstream/blobs.ts";
import { upstreamUrl } from "../upstream/names.ts";
import { upstreamDigest, upstreamManifest } from "../upstream/registry.ts";
import type { UpstreamSignature } from "../upstream/signatures.ts";
import { hasTags } from "../upstream/tag-list.ts";
import { atUpstream, type Cache, PATIENCE_MS } from "./at-upstream.ts";
import { bringManifest } from "./bring.ts";
import { CacheLists } from "./cache-lists.ts";
import { makeCache } from "./caches.ts";
import { isAboutUpstream, upstreamRefusal } from "./errors.ts";
import { RecentAnswers } from "./recent.ts";
import { pullSettingsOf } from "./settings.ts";
import { letsIn, type PullThrough, pullThroughAbove, pullThroughOf } from "./through.ts";

const MOST_RECENT = 20_000;
const ANY_SIZE = 8 * 1024 * 1024;

type Reference = { readonly tag: string } | { readonly digest: string };
/** `brought`: looking again finds it; `kept`: what is here is right; `same`: there is nothing new. */
type Outcome = "brought" | "kept" | "same";

interface Asking {
  readonly place: Place;
  readonly reference: Reference;
  readonly visit: RepositoryVisit;
}

/** Pull-through caches behind the registry (plugin-container §6). */
export class CacheUpstream implements RegistryUpstream {
  readonly #ctx: Ctx;
  readonly #memory: RegistryMemory;
  readonly #recent: RecentAnswers<Outcome>;
  readonly #making: RecentAnswers<Place | undefined>;
  readonly #lists: CacheLists;

  constructor(ctx: Ctx, memory: RegistryMemory) {
    this.#ctx = ctx;
    this.#memory = memory;
    this.#recent = new RecentAnswers(ctx.clock, MOST_RECENT);
    this.#making = new RecentAnswers(ctx.clock, 1);
    this.#lists = new CacheLists(ctx, freshMs(ctx));
  }

  async covers({ name }: RepositoryVisit): Promise<boolean> {
    return (await pullThroughAbove(this.#ctx, name)) !== undefined;
  }

  async place(visit: RepositoryVisit): Promise<Place | undefined> {
    const { domain } = visit.name;
    const through = await pullThroughAbove(this.#ctx, visit.name);
    if (through) return this.#cacheOf(visit, through, visit.name.basePath);
    const host = queryOf(visit).get("ns");
    const named = host && (await pullThroughOf(this.#ctx, { domain, host }));
    if (!named) return undefined;
    const basePath = `${named.basePath}/${visit.name.basePath}`;
    visit.exchange.response.setHeader("OCI-Namespace", host);
    const known = await placeByName(this.#ctx, { ...visit.name, basePath });
    if (!known) return this.#cacheOf(visit, named, basePath);
    return (await visit.caller.mayPull(known)) ? known : undefined;
  }

  async manifest(
    visit: RepositoryVisit,
    place: Place,
    { isMissing = false, ...reference }: Reference & { readonly isMissing?: boolean },
  ): Promise<boolean> {
    if (place.remote === null || place.repository === null) return false;
    const key = `${place.distribution} ${textOf(reference)}`;
    if (isMissing) {
      const believed = this.#recent.known(key);
      if (believed === undefined || believed === "same") return false;
      this.#recent.forget(key);
    }
    if (this.#recent.known(key) !== undefined || !(await mayPullNew(this.#ctx, visit, place)))
      return false;
    // Somebody else may have brought it while the rights were asked for: then look again.
    if (this.#recent.known(key) !== undefined) return true;
    const asking = { place, reference, visit };
    const outcome = await this.#recent.once(key, async () => {
      const result = await this.#ask(asking);
      this.#recent.keep(key, result, freshMs(this.#ctx));
      return result;
    });
    return outcome === "brought";
  }

  async blob(visit: RepositoryVisit, place: Place, digest: string): Promise<boolean> {
    if (
      place.remote === null ||
      place.repository === null ||
      !(await mayPullNew(this.#ctx, visit, place))
    )
      return false;
    const key = `${place.distribution} blob ${digest}`;
    if (this.#recent.known(key) !== undefined) return false;
    const outcome = await this.#recent.once(key, () =>
      this.#locate(place, digest).catch(rethrow(digest)),
    );
    if (outcome === "same") this.#recent.keep(key, outcome, freshMs(this.#ctx));
    return outcome === "brought";
  }

  async tags(visit: RepositoryVisit, place: Place): Promise<readonly string[]> {
    const isCache = place.remote !== null && place.repository !== null;
    return isCache && (await mayPullNew(this.#ctx, visit, place)) ? this.#lists.tags(place) : [];
  }

  async referrers(visit: RepositoryVisit, place: Place, digest: string): Promise<boolean> {
    const isCache = place.remote !== null && place.repository !== null;
    if (!isCache || !(await mayPullNew(this.#ctx, visit, place))) return false;
    const isNew = await this.#lists.referrers(visit, place, digest);
    if (isNew && place.repository) this.#memory.outdateRepository(place.repository.id);
    return isNew;
  }

  async signatures(
    visit: RepositoryVisit,
    place: Place,
    digest: string,
  ): Promise<readonly UpstreamSignature[]> {
    const isCache = place.remote !== null && place.repository !== null;
    return isCache && (await mayPullNew(this.#ctx, visit, place))
      ? this.#lists.signatures(place, digest)
      : [];
  }

  /** Notes where a blob is that no manifest of the cache names. */
  #locate(place: Place, digest: string): Promise<Outcome> {
    const { domain } = place;
    const use = async (cache: Cache, signal: AbortSignal): Promise<Outcome> => {
      const size = await blobSize(cache, { reference: digest, signal });
      if (size === null) return "same";
      const source = { remote: cache.remote.id, url: upstreamUrl(cache.place, "blobs", digest) };
      const blobs = [{ digest, size: size ?? null, artifact: null, source }];
      const saved = await saveBlobs(this.#ctx, domain, { blobs });
      const repository = { id: cache.repository, domain: domain.num };
      const ids = saved.map(({ id }) => id);
      await addPending(this.#ctx.db, repository, ids);
      return "brought";
    };
    return atUpstream(this.#ctx, place, { patienceMs: PATIENCE_MS.unknown, use });
  }

  /** The cache of a path, made if the upstream has what is asked for. */
  async #cacheOf(
    visit: RepositoryVisit,
    through: PullThrough,
    basePath: string,
  ): Promise<Place | undefined> {
    const upstreamName = basePath.slice(through.basePath.length + 1);
    if (!isRepositoryName(basePath) || !letsIn(through, upstreamName)) return undefined;
    if (!(await mayPullNew(this.#ctx, visit, undefined))) return undefined;
    const asked = askedFor(visit);
    if (!asked) return undefined;
    const made = () =>
      basePath === visit.name.basePath
        ? this.#memory.freshPlace(visit.name)
        : placeByName(this.#ctx, { ...visit.name, basePath });
    return this.#making.once(`${through.domain.num} ${basePath} ${asked}`, async () => {
      // Somebody else may have made it while the rights were asked for.
      const before = await made();
      if (before || !(await this.#isThere(through, upstreamName, asked))) return before;
      const problem = await makeCache(this.#ctx, through, { basePath, upstreamName });
      if (problem !== undefined) throw registryErrors.nameTaken(visit.name.full, problem);
      return made();
    });
  }

  /** @throws the answer for a client if the upstream fails, or has no such manifest. */
  async #isThere(through: PullThrough, name: string, asked: string): Promise<boolean> {
    await using remote = await openRemote(this.#ctx, through.domain, through.remote);
    const upstream = { remote: patient(remote, 1), place: { url: remote.url, name } };
    const signal = AbortSignal.timeout(PATIENCE_MS.unknown);
    try {
      if (asked === TAGS) return await hasTags(upstream, signal);
      const digest = await upstreamDigest(upstream, { reference: asked, signal });
      if (digest === null) throw registryErrors.manifestUnknown(asked);
      return true;
    } catch (error) {
      if (!isAboutUpstream(error)) throw error;
      this.#ctx.log.warn(`${through.url} could not be asked for ${name}: ${error}`);
      throw upstreamRefusal(error, asked);
    }
  }

  /** Failures are told only if there is nothing here to serve instead. */
  async #ask(asking: Asking): Promise<Outcome> {
    const { place, reference } = asking;
    const local =
      "tag" in reference ? await manifestByTag(this.#ctx, place, reference.tag) : undefined;
    const patienceMs = local ? PATIENCE_MS.known : PATIENCE_MS.unknown;
    try {
      const use = (cache: Cache, signal: AbortSignal) =>
        this.#bring(asking, { cache, local: local?.digest, signal });
      return await atUpstream(this.#ctx, place, { patienceMs, use });
    } catch (error) {
      // What the cache has goes on being served where a rule keeps the tag.
      if (local && isAboutImmutable(error)) return "kept";
      if (!isAboutUpstream(error)) throw error;
      this.#ctx.log.warn(`The upstream of ${place.name} could not be asked: ${error}`);
      if (local) return "kept";
      throw upstreamRefusal(error, textOf(reference));
    }
  }

  async #bring(
    { place, reference, visit }: Asking,
    of: {
      readonly cache: Cache;
      readonly local: string | undefined;
      readonly signal: AbortSignal;
    },
  ): Promise<Outcome> {
    const { cache, local, signal } = of;
    const tag = "tag" in reference ? reference.tag : null;
    const digest =
      "digest" in reference
        ? reference.digest
        : await upstreamDigest(cache, { reference: reference.tag, signal });
    if (digest === null) return "same";
    if (digest !== undefined && digest === local) return "kept";
    const facts =
      (digest && (await this.#knownFacts(place, digest))) ??
      (await upstreamManifest(cache, { reference: digest ?? textOf(reference), signal }));
    if (!facts) return "same";
    if (facts.digest === local) return "kept";
    const caller = callerOf(visit, place);
    await bringManifest(this.#ctx, cache, { facts, tag, caller, signal });
    if (place.repository) this.#memory.outdateRepository(place.repository.id);
    return "brought";
  }

  /** The domain may have it already, of another repository. */
  async #knownFacts({ domain }: Place, digest: string) {
    const question = { digests: [digest], mostBytes: ANY_SIZE };
    const known = (await knownManifests(this.#ctx.db, domain, question)).get(digest);
    if (!known?.body) return undefined;
    return { ...readManifest(known.body, { contentType: known.mediaType }), digest };
  }
}

const freshMs = (ctx: Ctx): number => pullSettingsOf(ctx).CONTAINER_PULL_FRESH_SECONDS * 1000;

const textOf = (reference: Reference): string =>
  "tag" in reference ? reference.tag : reference.digest;

const patient = <Remote extends { readonly maxRetries: number }>(
  remote: Remote,
  tries: number,
): Remote => ({ ...remote, maxRetries: Math.min(tries, remote.maxRetries) });

const TAGS = "tags/list";

/** What a request to a cache that is not there yet asks for; undefined makes none. */
function askedFor({ exchange }: RepositoryVisit): string | undefined {
  if (exchange.rawPath.endsWith(`/${TAGS}`)) return TAGS;
  const [, raw = ""] = /\/manifests\/([^/]+)$/.exec(exchange.rawPath) ?? [];
  const reference = raw.replace("%3A", ":").replace("%3a", ":");
  return isTag(reference) || parseDigest(reference) ? reference : undefined;
}

/** Whether the caller may have content fetched that is not here. */
async function mayPullNew(
  ctx: Ctx,
  { caller, name }: RepositoryVisit,
  place: Place | undefined,
): Promise<boolean> {
  if (caller.user === null)
    return pullSettingsOf(ctx).CONTAINER_PULL_ANONYMOUS && place?.isPrivate !== true;
  return caller.mayPullNew(name);
}

const rethrow =
  (reference: string) =>
  (error: unknown): never => {
    throw isAboutUpstream(error) ? upstreamRefusal(error, reference) : error;
  };
