import type { Json } from "#base/json.ts";
import type { Generated, JsonColumn, Stamped, Timestamp } from "#platform/db/columns.ts";

export const TASK_STATES = [
  "waiting",
  "skipped",
  "running",
  "completed",
  "failed",
  "canceled",
  "canceling",
] as const;
export type TaskState = (typeof TASK_STATES)[number];
export const FINAL_STATES = ["skipped", "completed", "failed", "canceled"] as const;

export type ProcessKind = "api" | "content" | "worker";

export interface AppProcessTable {
  readonly id: string;
  readonly kind: ProcessKind;
  readonly name: string;
  readonly versions: JsonColumn<Readonly<Record<string, string>>>;
  readonly ttl_seconds: number;
  readonly release: Generated<number>;
  readonly last_heartbeat: Stamped;
  readonly created: Stamped;
  readonly updated: Stamped;
}

/** `{description, traceback, error_code?}` or `{reason}` (core-tasks-ops §10). */
export interface TaskError {
  readonly description?: string;
  readonly traceback?: string;
  readonly error_code?: string;
  readonly reason?: string;
}

export interface TaskTable {
  readonly id: string;
  readonly seq: number;
  readonly domain: number;
  readonly state: Generated<TaskState>;
  readonly name: string;
  readonly immediate: Generated<boolean>;
  readonly deferred: Generated<boolean>;
  readonly cid: Generated<string>;
  /** Exclusive names as they are, shared ones with `shared:` in front. */
  readonly resources: Generated<readonly string[]>;
  /** One Fernet token over the JSON of the input. */
  readonly arguments: string | null;
  readonly versions: JsonColumn<Readonly<Record<string, string>> | null> | null;
  readonly profile_options: readonly string[] | null;
  readonly api_version: Generated<string>;
  readonly user_id: number | null;
  readonly parent: string | null;
  readonly task_group: string | null;
  readonly error: JsonColumn<TaskError | null> | null;
  readonly result: JsonColumn<Json> | null;
  readonly created: Stamped;
  readonly updated: Stamped;
  readonly unblocked_at: Timestamp | null;
  readonly started_at: Timestamp | null;
  readonly finished_at: Timestamp | null;
}

export interface TaskGroupTable {
  readonly id: string;
  readonly domain: number;
  readonly description: Generated<string>;
  readonly all_tasks_dispatched: Generated<boolean>;
  readonly created: Stamped;
}

export interface GroupProgressTable {
  readonly task_group: string;
  readonly code: string;
  readonly message: string;
  readonly total: Generated<number>;
  readonly done: Generated<number>;
  readonly suffix: string | null;
}

export interface TaskProgressTable {
  readonly task: string;
  readonly code: string;
  readonly message: string;
  readonly state: TaskState;
  readonly total: number | null;
  readonly done: Generated<number>;
  readonly suffix: string | null;
  readonly position: Generated<number>;
}

export interface CreatedResourceTable {
  readonly task: string;
  readonly position: number;
  /** `file.FileRepository`: with `object` it makes the PRN. */
  readonly model: string;
  readonly object: string;
  /** Href below the API root, e.g. `repositories/file/file/<uuid>/versions/1/`. */
  readonly path: string;
}

export interface ProfileArtifactTable {
  readonly task: string;
  readonly name: string;
  readonly domain: number;
  readonly artifact: string;
}

export interface TaskQueueTable {
  readonly seq: number;
  readonly task: string;
  readonly domain: number;
  readonly immediate: boolean;
  /** Resource names that it still waits for; 0 is ready. */
  readonly pending: number;
  readonly tag: number;
  readonly release: Generated<number>;
  /** No process of the dispatching release has the versions that it needs. */
  readonly parked: Generated<boolean>;
  readonly owner: string | null;
  readonly keys: readonly string[];
  readonly excl: readonly boolean[];
}

export interface TaskHeldTable {
  readonly key: string;
  readonly excl: boolean;
  readonly seq: number;
}

export interface TaskWaitTable {
  readonly key: string;
  readonly seq: number;
  readonly excl: boolean;
}
