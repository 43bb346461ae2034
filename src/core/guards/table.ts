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
