import type { Labels } from "#base/labels.ts";
import type { DomainRef } from "../ctx.ts";
import type { Draft } from "../plugin-contract.ts";

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
}

/** Only the fields that are given change. */
export type RepositoryPatch = Partial<Omit<NewRepository, "domain" | "type" | "userHidden">>;

/** What `modify` asks for: start from base or latest, remove, add. */
export interface VersionEdit {
  /** `content.id`s. Ids that do not exist in the domain are passed over. */
  readonly add: readonly string[];
  /** `"*"` is every member of the latest version, also when a base is given. */
  readonly remove: readonly string[] | "*";
  /** `repository_version.id` of any repository of the domain. */
  readonly baseVersion?: string;
  /** False refuses to replace a different unit of the same slot (PLP0023). Default true. */
  readonly overwrite?: boolean;
}

/** A version under construction that is filled in batches, each in a transaction of its own. */
export interface OpenDraft extends Draft {
  readonly domain: DomainRef;
  /** Completing it removes every member that was not added or kept through `addMembers`. */
  readonly isMirror: boolean;
}

export interface AddedMembers {
  /** Units that were not members before this call. */
  readonly added: number;
  /** Ids without a unit: an orphan clean-up was faster. Save these units again. */
  readonly missing: readonly string[];
}
