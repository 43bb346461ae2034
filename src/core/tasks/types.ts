import type { Static, TSchema } from "@sinclair/typebox";
import type { Caller } from "../ctx.ts";
import type { TaskDefinition } from "../plugin-contract.ts";
import type { TaskError, TaskState } from "./table.ts";

export { FINAL_STATES } from "./table.ts";

export interface DispatchRequest<Input extends TSchema = TSchema> {
  readonly task: TaskDefinition<Input>;
  readonly input: Static<Input>;
  readonly caller: Caller;
  /** Resource names (PRN, `pdrn:…` or any text) that no other task may have meanwhile. */
  readonly exclusive?: readonly string[];
  /** Names that others may share; the domain is always among them. */
  readonly shared?: readonly string[];
  /** Task group. */
  readonly group?: string;
  /** May run inside the dispatching process; by default what the definition says. */
  readonly immediate?: boolean;
  /** May wait for a worker; default true. */
  readonly deferred?: boolean;
  /** Component label → least version of the worker; by default the version that dispatches. */
  readonly versions?: Readonly<Record<string, string>>;
}

export interface Dispatched {
  readonly id: string;
  /** Nothing was in its way. An immediate task of an API process is then final already. */
  readonly isReady: boolean;
}

/** A task as its runner gets it: everything in one row. */
export interface ClaimedTask {
  readonly id: string;
  readonly seq: number;
  readonly name: string;
  /** `running`, or `canceling` when it must not run any more. */
  readonly state: TaskState;
  readonly immediate: boolean;
  readonly deferred: boolean;
  readonly cid: string;
  readonly arguments: string | null;
  readonly versions: Readonly<Record<string, string>> | null;
  readonly profile_options: readonly string[] | null;
  readonly task_group: string | null;
  readonly domain_num: number;
  readonly domain_id: string;
  readonly domain_name: string;
  readonly user_id: number | null;
  readonly username: string | null;
  readonly is_superuser: boolean | null;
  readonly is_active: boolean | null;
}

/** How a run ended; `result` is JSON text. */
export interface Outcome {
  readonly state: "completed" | "failed" | "canceled";
  readonly result?: string;
  readonly error?: TaskError;
}

export interface Cancellation {
  /** State after the request; undefined if there is no such task. */
  readonly state: TaskState | undefined;
  /** Whether the task was still incomplete. */
  readonly hasChanged: boolean;
}

/** A task on its way into the queue. */
export interface QueueEntry {
  readonly id: string;
  readonly domain: number;
  readonly name: string;
  readonly keys: readonly string[];
  readonly excl: readonly boolean[];
  readonly resources: readonly string[];
  readonly arguments: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly isParked: boolean;
  readonly immediate: boolean;
  readonly deferred: boolean;
  /** Runs it at once if nothing is in the way. */
  readonly owner: string | null;
  readonly correlationId: string;
  readonly profileOptions: readonly string[];
  readonly user: number | null;
  readonly parent: string | null;
  readonly group: string | null;
  /** Error of a task that may not wait and would have to. */
  readonly busyReason: string;
}

/** Where it came to stand. */
export interface Enqueued {
  readonly seq: number;
  readonly state: TaskState;
  readonly isReady: boolean;
}
