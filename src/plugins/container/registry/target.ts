import type { Caller } from "#sdk";
import { createPlace } from "./create-place.ts";
import { registryErrors } from "./errors.ts";
import type { Place, ServedRepository } from "./places.ts";
import type { Registry, RepositoryVisit } from "./registry.ts";

/** Where a push goes. */
export interface Target {
  readonly place: Place;
  readonly repository: ServedRepository;
}

/**
 * The repository that a push is for (plugin-container §7.2).
 *
 * @param mayCreate the operation makes what is missing.
 * @throws `nameUnknown`; `cache` (405) below a pull-through distribution.
 */
export async function pushTarget(
  registry: Registry,
  visit: RepositoryVisit,
  { mayCreate }: { readonly mayCreate: boolean },
): Promise<Target> {
  const { memory, upstream } = registry;
  const known = await memory.place(visit.name);
  if (known?.repository && !isCache(known)) return { place: known, repository: known.repository };
  const place = await memory.freshPlace(visit.name);
  if (place ? isCache(place) : await upstream.covers(visit)) throw registryErrors.cache();
  if (place?.repository) return { place, repository: place.repository };
  if (!mayCreate) throw registryErrors.nameUnknown(visit.name.full);
  await createPlace(registry, visit, place);
  const made = await memory.freshPlace(visit.name);
  if (!made?.repository) throw registryErrors.nameUnknown(visit.name.full);
  return { place: made, repository: made.repository };
}

const isCache = ({ pullThrough, remote }: Place): boolean =>
  pullThrough !== null || remote !== null;

/** On whose behalf versions are made. */
export const callerOf = ({ exchange, caller }: RepositoryVisit, { domain }: Place): Caller => ({
  domain,
  user: caller.user,
  correlationId: exchange.correlationId,
});
