import type { Digests } from "#base/digests.ts";
import type { Labels } from "#base/labels.ts";
import type { ContentType, DetailRow, Job } from "../plugin-contract.ts";
import type { RemoteSession } from "../remotes/types.ts";

/** A file of a unit as the upstream's metadata declares it. */
export interface DeclaredFile {
  readonly relativePath: string;
  /** Where the remote has it; the first address is kept for later. */
  readonly urls: readonly [string, ...string[]];
  readonly sizeBytes?: number;
  readonly digests: Digests;
  /** False downloads it during the sync. */
  readonly deferred: boolean;
}

/** A unit that the upstream has. */
export interface DeclaredUnit {
  readonly type: ContentType;
  readonly row: DetailRow;
  readonly labels?: Labels;
  readonly files: readonly DeclaredFile[];
}

export interface SyncPlan {
  readonly job: Job;
  /** `repository.id` */
  readonly repository: string;
  readonly remote: RemoteSession;
  /** Members that are not declared leave. */
  readonly mirror: boolean;
  /** In pieces of any size; read only as fast as they are saved. */
  readonly units: AsyncIterable<readonly DeclaredUnit[]>;
  /**
   * `content.id` of units that the plan saved itself, to become members; one that is gone fails the
   * sync. Read when all declared units are saved.
   */
  readonly saved?: AsyncIterable<readonly string[]>;
  /**
   * `content.id` of members that a mirror keeps though they are not declared, such as those of a
   * part of the upstream that did not change. Read when all units are saved.
   */
  readonly kept?: AsyncIterable<readonly string[]>;
}
