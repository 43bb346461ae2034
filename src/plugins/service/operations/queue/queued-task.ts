import type { JsonObject } from "#base/json.ts";
import { sql } from "#sdk";
import type { Holder } from "../locks/holders.ts";

/** A task as the queue has it, in the words of the peer's tools. */
export interface QueuedTask {
  readonly task_id: string;
  readonly state: string;
  readonly name: string;
  readonly logging_cid: string;
  readonly pulp_created: string;
  readonly unblocked_at: string | null;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly immediate: boolean;
  readonly deferred: boolean;
  readonly domain: string;
  readonly versions: Readonly<Record<string, string>> | null;
  readonly reserved_resources_record: readonly string[];
  readonly error: JsonObject | null;
  readonly parent_task: string | null;
}

/** Who has it, and how the queue counts it. */
export interface QueueState {
  readonly owner: string | null;
  readonly owner_name: string | null;
  readonly owner_kind: string | null;
  readonly owner_heartbeat: string | null;
  readonly is_online: boolean | null;
  readonly owner_versions: Readonly<Record<string, string>> | null;
  readonly is_parked: boolean | null;
}

/** SQL of a time as the wire has it, under the name that tools know. */
const time = (column: string, name: string) =>
  sql.raw<string>(
    `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as ${name}`,
  );

export const createdTime = time("t.created", "pulp_created");

export const QUEUED_TASKS = sql`
  select t.id as task_id, t.state, t.name, t.cid as logging_cid, ${createdTime},
    ${time("t.unblocked_at", "unblocked_at")}, ${time("t.started_at", "started_at")},
    ${time("t.finished_at", "finished_at")},
    t.immediate, t.deferred, d.name as domain, t.versions, t.error, t.parent as parent_task,
    t.resources as reserved_resources_record, q.owner, q.parked as is_parked,
    p.name as owner_name, p.kind as owner_kind, p.versions as owner_versions,
    ${time("p.last_heartbeat", "owner_heartbeat")},
    p.last_heartbeat + make_interval(secs => p.ttl_seconds) >= clock_timestamp() as is_online
  from task t join domain d on d.num = t.domain left join task_queue q on q.task = t.id
    left join app_process p on p.id = q.owner`;

/** Without what only the queue knows of it. */
export function taskPart({
  owner: _owner,
  owner_name: _name,
  owner_kind: _kind,
  owner_heartbeat: _heartbeat,
  is_online: _online,
  owner_versions: _versions,
  is_parked: _parked,
  ...task
}: QueuedTask & QueueState): QueuedTask {
  return task;
}

/** Whose it is; a waiting task never has an owner. */
export const lockOf = (task: QueueState): JsonObject =>
  task.owner === null
    ? { locked: false, app_status_name: null }
    : {
        locked: true,
        app_status_name: task.owner_name,
        app_type: task.owner_kind,
        last_heartbeat: task.owner_heartbeat,
        online: task.is_online === true,
        versions: task.owner_versions,
      };

/** The owner as a holder of locks; none without one. */
export const ownerOf = (task: QueueState): Readonly<Record<string, Holder>> =>
  task.owner_name === null
    ? {}
    : {
        [task.owner_name]: {
          exists_in_db: true,
          online: task.is_online === true,
          app_type: task.owner_kind,
          last_heartbeat: task.owner_heartbeat,
          verdict: task.is_online ? "alive" : "stale",
        },
      };
