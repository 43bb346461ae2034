import type { JsonObject } from "#base/json.ts";
import type { Labels } from "#base/labels.ts";
import type { Generated, JsonDefault, Stamped } from "#platform/db/columns.ts";

export interface RepositoryTable {
  readonly num: Generated<number>;
  readonly id: string;
  readonly domain: number;
  readonly type: string;
  readonly name: string;
  readonly description: string | null;
  readonly labels: JsonDefault<Labels>;
  readonly next_version: Generated<number>;
  readonly retain_repo_versions: number | null;
  readonly retain_checkpoints: number | null;
  readonly remote: string | null;
  readonly user_hidden: Generated<boolean>;
  readonly created: Stamped;
  readonly updated: Stamped;
}

/** Units by content type name; types with zero are absent. */
export type CountByType = Readonly<Record<string, number>>;
export interface VersionCounts {
  readonly present?: CountByType;
  readonly added?: CountByType;
  readonly removed?: CountByType;
}

export interface RepositoryVersionTable {
  readonly id: string;
  readonly domain: number;
  /** `repository.num` */
  readonly repository: number;
  readonly number: number;
  readonly complete: Generated<boolean>;
  readonly counts: JsonDefault<VersionCounts>;
  readonly base_version: string | null;
  readonly info: JsonDefault<JsonObject>;
  readonly created: Stamped;
  readonly updated: Stamped;
}

/** End of the range of a unit that is still a member. */
export const OPEN = 2_147_483_647;

/** Present in version n: `added <= n and removed > n`. */
export interface MembershipTable {
  readonly repository: number;
  readonly added: number;
  readonly removed: Generated<number>;
  readonly domain: number;
  readonly type: number;
  readonly slot: string | null;
  readonly content: string;
  readonly at: Stamped;
}
