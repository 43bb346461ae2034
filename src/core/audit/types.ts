import type { RawBuilder } from "kysely";
import type { AuditOutcome } from "./table.ts";

export { AUDIT_OUTCOMES, type AuditOutcome } from "./table.ts";

/** One mutation of the REST API, as it is recorded. */
export interface AuditEntry {
  /** Name of the domain; null for what belongs to none. */
  readonly domain: string | null;
  readonly user: { readonly id: number; readonly username: string } | null;
  /** `basic`, `session`, …; null where nobody had to say who they are. */
  readonly authenticatedBy: string | null;
  readonly operation: string;
  readonly method: string;
  /** What was addressed or created: below the API root, or rooted. */
  readonly objectPath: string;
  readonly objectPrn: string | null;
  readonly correlationId: string;
  readonly client: string;
  readonly outcome: AuditOutcome;
  readonly status: number;
  readonly task: string | null;
  readonly taskGroup: string | null;
}

/** Where entries go. */
export interface AuditTrail {
  /** Resolves when the entry is on stable storage; rejects when it could not be written. */
  record(entry: AuditEntry): Promise<void>;
  /** What writes entries in the transaction of the changes that they tell: one commit for both. */
  statements(entries: readonly AuditEntry[]): readonly RawBuilder<unknown>[];
}
