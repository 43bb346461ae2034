import type { Ctx } from "#sdk";
import type { RegistryAccess, RegistryCaller } from "./access.ts";
import type { RepositoryName } from "./address.ts";
import { registryErrors } from "./errors.ts";
import type { RegistryMemory } from "./memory.ts";
import type { Place } from "./places.ts";
import type { PullTimes } from "./pull-times.ts";
import type { PushMemory } from "./push-memory.ts";
import type { RegistrySettings } from "./settings.ts";
import type { TagNames } from "./tag-names.ts";
import type { UploadSessions } from "./uploads/sessions.ts";
import type { DoorTools, Visit } from "./visit.ts";

/** What every endpoint of the registry works with. */
export interface Registry {
  readonly ctx: Ctx;
  readonly tools: DoorTools;
  readonly settings: RegistrySettings;
  readonly access: RegistryAccess;
  readonly memory: RegistryMemory;
  readonly pushMemory: PushMemory;
  readonly pulls: PullTimes;
  readonly tagNames: TagNames;
  readonly sessions: UploadSessions;
  readonly upstream: RegistryUpstream;
}

/** A request about a repository, once it is known who asks. */
export interface RepositoryVisit extends Visit {
  readonly name: RepositoryName;
  readonly caller: RegistryCaller;
}

/**
 * What may be had from elsewhere though it is not here (plugin-container §6): each answers undefined
 * for what it does not know.
 */
export interface RegistryUpstream {
  /** The repository of a cache, made when it is first asked for. */
  place(visit: RepositoryVisit): Promise<Place | undefined>;
  /**
   * Asked about a tag of a cache before, and about a digest after it was not found here; whether it
   * was brought in, so that looking again finds it.
   *
   * @param reference `isMissing`: it is not here, though the answer was that it is; asks only if that
   *   was believed, since it has been evicted or removed then.
   */
  manifest(
    visit: RepositoryVisit,
    place: Place,
    reference: ({ readonly tag: string } | { readonly digest: string }) & {
      readonly isMissing?: boolean;
    },
  ): Promise<boolean>;
  /** Whether the name lies below a cache, where nothing is pushed. */
  covers(visit: RepositoryVisit): Promise<boolean>;
  /** Tags that the upstream of a cache has beyond those that are here; in any order. */
  tags(visit: RepositoryVisit, place: Place): Promise<readonly string[]>;
  /** Brings into a cache what refers to a manifest; whether looking again finds more. */
  referrers(visit: RepositoryVisit, place: Place, digest: string): Promise<boolean>;
  /** Signatures that the upstream of a cache has of a manifest; they are passed on, not kept. */
  signatures(
    visit: RepositoryVisit,
    place: Place,
    digest: string,
  ): Promise<readonly { readonly name: string; readonly bytes: Buffer }[]>;
  /** A blob that is not here; whether it is now known where it can be had. */
  blob(visit: RepositoryVisit, place: Place, digest: string): Promise<boolean>;
}

/**
 * Where the name leads, for reading.
 *
 * @param asked what memory was asked already
 * @throws `nameUnknown`
 */
export async function servedPlace(
  registry: Registry,
  visit: RepositoryVisit,
  asked: Place | Promise<Place | undefined> = registry.memory.place(visit.name),
): Promise<Place> {
  const place = (await asked) ?? (await registry.upstream.place(visit));
  if (!place) throw registryErrors.nameUnknown(visit.name.full);
  return place;
}

/** What the audit trail keeps of a change. */
export type ChangeEntry = Parameters<DoorTools["record"]>[0];

interface Change {
  readonly operation: string;
  readonly status: number;
  readonly place: Place;
}

/** Records a change that is about to be acknowledged. */
export const recordChange = (
  registry: Registry,
  visit: RepositoryVisit,
  change: Change,
): Promise<void> => registry.tools.record(changeEntry(registry, visit, change));

/** The entry of a change, for those who write it together with the change. */
export function changeEntry(
  { tools }: Registry,
  { exchange, method, name, caller }: RepositoryVisit,
  change: Change,
): ChangeEntry {
  return {
    domain: name.domain,
    user: caller.user,
    authenticatedBy: caller.by,
    operation: change.operation,
    method,
    objectPath: exchange.rawPath,
    objectPrn: `prn:container.containerdistribution:${change.place.distribution}`,
    correlationId: exchange.correlationId,
    client: tools.addressOf(exchange.request),
    outcome: "done",
    status: change.status,
    task: null,
    taskGroup: null,
  };
}
