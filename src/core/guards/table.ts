import type { Stamped } from "#platform/db/columns.ts";

export interface ContentGuardTable {
  readonly id: string;
  readonly domain: number;
  readonly type: string;
  readonly name: string;
  readonly description: string | null;
  readonly created: Stamped;
  readonly updated: Stamped;
}

export interface HeaderGuardTable {
  readonly id: string;
  readonly domain: number;
  readonly header_name: string;
  readonly header_value: string;
  readonly jq_filter: string | null;
}

/** Members of a composite are asked in the order of `position`. */
export interface CompositeGuardMemberTable {
  readonly domain: number;
  readonly composite: string;
  readonly position: number;
  readonly guard: string;
}
