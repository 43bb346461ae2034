import type { Stamped, Timestamp } from "#platform/db/columns.ts";

export interface TaskScheduleTable {
  readonly id: string;
  readonly domain: number;
  readonly name: string;
  readonly task_name: string;
  readonly arguments: string | null;
  /** Text of the database: `[D day[s] ]HH:MM:SS`. */
  readonly dispatch_interval: string | null;
  readonly next_dispatch: Timestamp | null;
  readonly last_task: string | null;
  readonly created: Stamped;
  readonly updated: Stamped;
}
