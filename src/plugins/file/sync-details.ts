import type { JsonObject } from "#base/json.ts";
import type { Policy } from "#sdk";

/** What `last_sync_details` remembers, to tell whether another sync could change anything. */
export interface SyncDetails extends JsonObject {
  readonly remote_pk: string;
  readonly url: string;
  readonly download_policy: Policy;
  readonly mirror: boolean;
  readonly most_recent_version: number;
  /** SHA-256 in hex. */
  readonly manifest_checksum: string;
  readonly etag: string | null;
  readonly last_modified: string | null;
}

/** The sync that is asked for. */
export type PlannedSync = Pick<
  SyncDetails,
  "remote_pk" | "url" | "download_policy" | "mirror" | "most_recent_version"
>;

/**
 * Whether an equal manifest would mean that nothing can change: same remote, address and version,
 * files not wanted all of a sudden, mirror not switched on (core-content §17).
 */
export function isSameSync(before: Partial<SyncDetails>, now: PlannedSync): boolean {
  const wantsFiles = now.download_policy === "immediate" && before.download_policy !== "immediate";
  const startsMirror = now.mirror && before.mirror !== true;
  return (
    before.remote_pk === now.remote_pk &&
    before.url === now.url &&
    before.most_recent_version === now.most_recent_version &&
    !wantsFiles &&
    !startsMirror
  );
}

/** Headers that let the upstream say "not modified". */
export function conditionsOf(before: Partial<SyncDetails>): Record<string, string> {
  return {
    ...(before.etag ? { "if-none-match": before.etag } : {}),
    ...(before.last_modified ? { "if-modified-since": before.last_modified } : {}),
  };
}
