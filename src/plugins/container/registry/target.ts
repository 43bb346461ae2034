import { type Caller, pushes } from "#sdk";
import { createPlace } from "./create-place.ts";
import { registryErrors } from "./errors.ts";
import type { Place, ServedRepository } from "./places.ts";
import type { Registry, RepositoryVisit } from "./registry.ts";

/** Where a push goes. */
export interface Target {
  readonly place: Place;
  readonly repository: ServedRepository;
  /** What the push may do there. */
  readonly terms: Awaited<ReturnType<typeof pushes.admit>>;
}

/**
 * The repository that a push is for (plugin-container §7.2).
 *
 * @param mayCreate the operation makes what is missing.
 * @throws `nameUnknown`; `cache` (405) below a pull-through distribution; `denied` with a reason.
 */
export async function pushTarget(
  registry: Registry,
  visit: RepositoryVisit,
  options: { readonly mayCreate: boolean },
): Promise<Target> {
  const found = await findTarget(registry, visit, options);
  const caller = callerOf(visit, found.place);
  const repository = found.repository.id;
  try {
    return { ...found, terms: await pushes.admit(registry.ctx, { caller, repository }) };
  } catch (error) {
    throw pushes.isRefusal(error) ? registryErrors.denied(error.message) : error;
  }
}

async function findTarget(
  registry: Registry,
  visit: RepositoryVisit,
  { mayCreate }: { readonly mayCreate: boolean },
): Promise<Omit<Target, "terms">> {
  const { memory, upstream } = registry;
  const known = await memory.target(visit.name);
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
