import type { Stamped, Timestamp } from "#platform/db/columns.ts";

export const AUDIT_OUTCOMES = ["done", "dispatched", "denied", "failed"] as const;
/**
 * `done` in the request, `dispatched` as a task, `denied` to somebody who is known, `failed` in a
 * way nobody foresaw, so that it may have happened in part.
 */
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number];

/** Names everything as it was then; nothing of it is a foreign key. */
export interface AuditEntryTable {
  readonly id: string;
  readonly created: Stamped;
  readonly domain: string | null;
  readonly user_id: number | null;
  readonly username: string | null;
  readonly authenticated_by: string | null;
  /** Operation id of the API description: `repositories_file_file_create`. */
  readonly operation: string;
  readonly method: string;
  /** Below the API root: `repositories/file/file/<uuid>/`; outside it with a leading slash. */
  readonly object_path: string;
  readonly object_prn: string | null;
  readonly cid: string;
  readonly client: string;
  readonly outcome: AuditOutcome;
  readonly status: number;
  readonly task: string | null;
  readonly task_group: string | null;
}

/** What audited tasks made, kept by the database when the tasks are removed. */
export interface AuditTaskObjectTable {
  readonly task: string;
  readonly position: number;
  readonly prn: string;
  /** Below the API root: `publications/file/file/<uuid>/`. */
  readonly path: string;
  readonly created: Stamped;
}

/** Final states of audited tasks, kept by the database when the tasks are removed. */
export interface AuditTaskEndTable {
  readonly task: string;
  readonly state: string;
  readonly finished_at: Timestamp | null;
  readonly created: Stamped;
}
