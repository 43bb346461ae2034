import type { Generated, Stamped } from "#platform/db/columns.ts";

export type ScanStatus = "clean" | "infected" | "error" | "skipped";
export type ScanTrigger = "stream" | "upload" | "sync" | "manual";

export interface MalwareScanTable {
  readonly id: string;
  readonly domain: number;
  readonly artifact_sha256: Buffer;
  readonly filename: string | null;
  readonly source_url: string | null;
  readonly repository: string | null;
  readonly status: ScanStatus;
  readonly signature: string | null;
  readonly engine_version: Generated<string>;
  readonly quarantined: Generated<boolean>;
  readonly scanned_at: Stamped;
  readonly trigger: ScanTrigger;
}
