import type { Json } from "#base/json.ts";
import type { JsonColumn } from "#platform/db/columns.ts";

export interface SystemSettingTable {
  readonly name: string;
  readonly value: JsonColumn<Json>;
}
