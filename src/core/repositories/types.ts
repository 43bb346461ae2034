import type { JsonObject } from "#base/json.ts";
import type { Labels } from "#base/labels.ts";
import type { Caller, DomainRef, Trx } from "../ctx.ts";
import type { Draft, Refusal, RepositoryRef, VersionRef } from "../plugin-contract.ts";
import type { VersionCounts } from "./table.ts";

export interface NewRepository {
  readonly domain: DomainRef;
  /** `file.file` */
  readonly type: string;
  readonly name: string;
  readonly description?: string | null;
  readonly labels?: Labels;
  readonly retainRepoVersions?: number | null;
  readonly retainCheckpoints?: number | null;
  readonly remote?: string | null;
  readonly userHidden?: boolean;
  /** On whose behalf, for those who hear of it. */
  readonly by?: Caller;
}

/** Only the fields that are given change. */
export type RepositoryPatch = Partial<Omit<NewRepository, "domain" | "type" | "userHidden" | "by">>;

/** What `modify` asks for: start from base or latest, remove, add. */
export interface VersionEdit {
  /** `content.id`s; a unit that is also removed stays. */
  readonly add: readonly string[];
  /** `"*"` is every member of the latest version, also when a base is given. */
  readonly remove: readonly string[] | "*";
  /** `repository_version.id` of any repository of the domain. */
  readonly baseVersion?: string;
  /** False refuses to replace a different unit of the same slot (PLP0023). Default true. */
  readonly overwrite?: boolean;
}

/** An edit, or how it follows from the latest version: asked while nobody else makes a version. */
export type EditSource =
  | VersionEdit
  | ((trx: Trx, repository: RepositoryFacts) => Promise<VersionEdit>);

/** A version under construction that is filled in batches, each in a transaction of its own. */
export interface OpenDraft extends Draft {
  readonly domain: DomainRef;
  /** Completing it removes every member that was not added or kept through `addMembers`. */
  readonly isMirror: boolean;
  readonly correlationId: string;
  /** Units that the repository did not take; `addMembers` adds to it. */
  readonly refused: Refusal[];
}

export interface AddedMembers {
  /** Units that were not members before this call. */
  readonly added: number;
  /** Ids without a unit: an orphan clean-up was faster. Save these units again. */
  readonly missing: readonly string[];
}

/** A repository as its commands see it. */
export interface RepositoryFacts extends RepositoryRef {
  /** Number that the next version gets. */
  readonly nextVersion: number;
  readonly retainRepoVersions: number | null;
  readonly retainCheckpoints: number | null;
  readonly isHidden: boolean;
}

/** A complete version. */
export interface VersionFacts extends VersionRef {
  readonly counts: VersionCounts;
  readonly info: JsonObject;
  readonly baseVersion: string | null;
  readonly created: string;
}

/** The members of a version: `repository.num` and its number. */
export interface VersionRange {
  readonly repository: number;
  readonly number: number;
}

export interface Member {
  /** `content.id` */
  readonly id: string;
  /** `content_type.num` */
  readonly type: number;
}
