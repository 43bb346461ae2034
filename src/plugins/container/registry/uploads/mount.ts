import { inTransaction, sql } from "#sdk";
import { parseDigest } from "../../format/names.ts";
import { addPending } from "../../pending.ts";
import { repositoryName } from "../address.ts";
import { findBlob } from "../blob-queries.ts";
import { registryErrors } from "../errors.ts";
import { placesWithBlob } from "../places.ts";
import type { Registry, RepositoryVisit } from "../registry.ts";
import type { Target } from "../target.ts";

interface Mount {
  readonly target: Target;
  readonly digest: string;
  /** Full name of the repository to mount from; null for any. */
  readonly from: string | null;
}

/**
 * Gives the repository a blob that another one has, if the caller may pull it from there; whatever
 * stands against it, the client uploads instead (plugin-container §7.7).
 *
 * @throws `crossDomainMount`
 */
export async function mountBlob(
  registry: Registry,
  visit: RepositoryVisit,
  mount: Mount,
): Promise<boolean> {
  if (!parseDigest(mount.digest)) return false;
  const blob = await (mount.from === null
    ? blobAnywhere(registry, visit, mount)
    : blobFrom(registry, visit, { ...mount, from: mount.from }));
  return blob !== undefined && addIfThere(registry, mount.target, blob);
}

/** @returns `content.id` */
async function blobFrom(
  registry: Registry,
  { name, caller }: RepositoryVisit,
  { digest, from }: { readonly digest: string; readonly from: string },
): Promise<string | undefined> {
  const source = repositoryName(from, registry.ctx.settings.DOMAIN_ENABLED);
  if (source && source.domain !== name.domain) throw registryErrors.crossDomainMount();
  const place = source && (await registry.memory.freshPlace(source));
  if (!place || !(await caller.mayPull(place))) return undefined;
  const blob = await findBlob(registry.ctx, place, digest);
  return blob?.artifact ? blob.id : undefined;
}

async function blobAnywhere(
  { ctx }: Registry,
  { caller }: RepositoryVisit,
  { target, digest }: Mount,
): Promise<string | undefined> {
  for (const place of await placesWithBlob(ctx, target.place.domain, digest)) {
    if (!(await caller.mayPull(place))) continue;
    const blob = await findBlob(ctx, place, digest);
    if (blob?.artifact) return blob.id;
  }
  return undefined;
}

/** A clean-up may have taken it meanwhile. */
function addIfThere(
  { ctx }: Registry,
  { place, repository }: Target,
  blob: string,
): Promise<boolean> {
  return inTransaction(ctx, undefined, async (trx) => {
    const { rows } = await sql`
      update content set touched = clock_timestamp()
      where domain = ${place.domain.num} and id = ${blob} returning id`.execute(trx);
    if (rows.length === 0) return false;
    await addPending(trx, { id: repository.id, domain: place.domain.num }, [blob]);
    return true;
  });
}
