import type { Ctx } from "#sdk";
import { openRemote } from "#sdk";
import { mirrorOptions } from "../mirror/options.ts";
import type { Place } from "../registry/places.ts";
import type { UpstreamRepository } from "../upstream/registry.ts";
import type { CachePlace } from "./bring.ts";
import { followParent } from "./caches.ts";

/** How long clients wait for an upstream, with and without something here to give them. */
export const PATIENCE_MS = { known: 5000, unknown: 30_000 };

/** A cache, and the repository that it is of. */
export type Cache = CachePlace & UpstreamRepository;

/** Opens the upstream of a cache for a while. */
export async function atUpstream<Result>(
  ctx: Ctx,
  place: Place,
  {
    patienceMs,
    use,
  }: {
    readonly patienceMs: number;
    readonly use: (cache: Cache, signal: AbortSignal) => Promise<Result>;
  },
): Promise<Result> {
  const { domain, remote: id, repository } = place;
  if (id === null || repository === null) throw new Error(`${place.name} is no cache.`);
  if (place.pullThrough !== null) await followParent(ctx, domain, place.distribution);
  const { upstreamName: name } = await mirrorOptions(ctx.db, domain, id);
  await using session = await openRemote(ctx, domain, id);
  const remote = { ...session, maxRetries: patienceMs === PATIENCE_MS.known ? 0 : 1 };
  const cache = { domain, repository: repository.id, remote, place: { url: session.url, name } };
  return use(cache, AbortSignal.timeout(patienceMs));
}
