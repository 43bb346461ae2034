import type { JsonObject } from "#base/json.ts";
import type { Labels } from "#base/labels.ts";
import type { Generated, JsonDefault, Stamped } from "#platform/db/columns.ts";

export interface DomainTable {
  readonly num: Generated<number>;
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly labels: JsonDefault<Labels>;
  readonly storage_class: string;
  /** Each leaf is a Fernet token of its JSON text (core-tasks-ops §21.1). */
  readonly storage_settings: JsonDefault<JsonObject>;
  /** Grows with each change of the two above. */
  readonly storage_epoch: Generated<number>;
  readonly redirect_to_object_storage: Generated<boolean>;
  readonly hide_guarded_distributions: Generated<boolean>;
  readonly created: Stamped;
  readonly updated: Stamped;
}

export interface DomainUsageTable {
  readonly domain: number;
  readonly bytes: Generated<number>;
  readonly artifacts: Generated<number>;
}
