import type { Caller, Ctx, DomainRef, RemoteSession } from "#sdk";
import { commitPush } from "../commit.ts";
import type { ManifestFacts } from "../format/manifest.ts";
import { isMirroredBlob } from "../mirror/blob-units.ts";
import { storeConfigs } from "../mirror/configs.ts";
import { storedBlobs } from "../queries.ts";
import { saveBlobs, saveManifests, saveTags } from "../save.ts";
import { type UpstreamPlace, upstreamUrl } from "../upstream/names.ts";

/** The cache that something is brought into. */
export interface CachePlace {
  readonly domain: DomainRef;
  /** `repository.id` */
  readonly repository: string;
  readonly remote: RemoteSession;
  readonly place: UpstreamPlace;
}

export interface Bringing {
  readonly facts: ManifestFacts;
  /** Null for a manifest that was asked for by its digest. */
  readonly tag: string | null;
  readonly caller: Caller;
  readonly signal: AbortSignal;
}

/**
 * Makes a manifest that was read from upstream a member of the cache, with its blobs, whose bytes
 * stay there until somebody wants them. What an index lists comes when it is asked for.
 */
export async function bringManifest(
  ctx: Ctx,
  cache: CachePlace,
  { facts, tag, caller, signal }: Bringing,
): Promise<void> {
  const { domain, remote, place } = cache;
  // Without its configuration an image is served all the same.
  const { problems, facts: configs } = await storeConfigs({ ctx, domain, remote, place, signal }, [
    facts,
  ]);
  for (const problem of problems.values())
    ctx.log.warn(`The configuration of ${facts.digest} cannot be had: ${problem.message}`);
  const blobs = await bringBlobs(ctx, cache, facts);
  const config = configs.get(facts.digest);
  const input = { facts, ...(config ? { config } : {}) };
  const [manifest] = await saveManifests(ctx, domain, { manifests: [input] });
  if (!manifest) throw new Error(`The manifest ${facts.digest} was not saved.`);
  await join(ctx, cache, { add: [...blobs, manifest.id], manifest: manifest.id, tag, caller });
}

async function join(
  ctx: Ctx,
  { domain, repository }: Pick<CachePlace, "domain" | "repository">,
  what: {
    readonly add: readonly string[];
    readonly manifest: string;
    readonly tag: string | null;
    readonly caller: Caller;
  },
): Promise<void> {
  const { add, manifest, tag, caller } = what;
  const tags = tag === null ? [] : [{ name: tag, manifest }];
  const [saved] = tags.length > 0 ? await saveTags(ctx, domain, { tags }) : [];
  const pairs = saved && tag !== null ? [[tag, saved.id] as const] : [];
  await commitPush(ctx, repository, { caller, add, tags: new Map(pairs) });
}

/** @returns `content.id`s */
async function bringBlobs(
  ctx: Ctx,
  { domain, remote, place }: CachePlace,
  facts: ManifestFacts,
): Promise<string[]> {
  const references = new Map(
    facts.references
      .filter((each) => each.kind !== "child" && isMirroredBlob(each))
      .map((each) => [each.digest, each]),
  );
  const stored = await storedBlobs(ctx.db, domain, [...references.keys()]);
  const blobs = [...references.values()].map(({ digest, size }) => ({
    digest,
    size,
    artifact: stored.get(digest)?.artifact ?? null,
    source: { remote: remote.id, url: upstreamUrl(place, "blobs", digest) },
  }));
  const saved = await saveBlobs(ctx, domain, { blobs });
  return saved.map(({ id }) => id);
}
