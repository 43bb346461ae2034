import type { Caller, DomainRef } from "#sdk";
import type { Trx } from "../trx.ts";
import type { RepositoryName } from "./address.ts";
import type { Place } from "./places.ts";
import type { Visit } from "./visit.ts";

/** Who asks, and what else they may do. */
export interface RegistryCaller {
  readonly user: Caller["user"];
  /** How they were recognised, for the audit trail: `basic`, `token`; null for strangers. */
  readonly by: string | null;
  /** `WWW-Authenticate` for a stranger who was let in, so that those who have a password say so. */
  readonly challenge?: string;
  /** Whether they may also pull from this repository: for mounts, and the catalog. */
  mayPull(place: Place): boolean | Promise<boolean>;
  /** Whether they may have content fetched into the cache of that name which it does not have yet. */
  mayPullNew(name: RepositoryName): boolean | Promise<boolean>;
}

/** What a request is for. */
export type RegistryQuestion =
  | { readonly kind: "ping" }
  | { readonly kind: "catalog" }
  | {
      readonly kind: "repository";
      readonly action: "pull" | "push";
      readonly name: RepositoryName;
      /** The path below the name: `manifests/latest`. */
      readonly below: string;
      /** What there is of that name, looked up when it matters; undefined if there is nothing. */
      place(): Promise<Place | undefined>;
      /** Full name of the repository that a blob shall be mounted from. */
      readonly from?: string;
    };

/** Decides who may do what in the registry (plugin-container §§7.3, 9.3). */
export interface RegistryAccess {
  /**
   * @throws `registryErrors.unauthorized` with a challenge, `denied`, or `throttled`; a repository that
   *   the caller may not pull from and one that does not exist are refused in the same words.
   */
  authorise(visit: Visit, question: RegistryQuestion): RegistryCaller | Promise<RegistryCaller>;
  /**
   * Whether the caller was let in to pull from this place a moment ago and nothing has been told
   * since that speaks against it. False decides nothing: then ask `authorise`.
   */
  mayRecall(visit: Visit, place: Place): boolean;
  /**
   * A push makes a namespace, distribution or repository: their creator owns them, from the same
   * transaction on.
   */
  created(trx: Trx, caller: RegistryCaller, made: MadeObjects): Promise<void>;
  close?(): Promise<void>;
}

/** What the first push to a name made. */
export interface MadeObjects {
  readonly domain: DomainRef;
  /** Null where it was there. */
  readonly distribution: string | null;
  readonly repository: string | null;
}
