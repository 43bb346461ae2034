import type { JsonObject } from "#base/json.ts";
import type { ServerClient } from "../client/server-client.ts";

/** Absolute: the root of the API does not move it. */
const PATH = "/api/pulp/admin/tasks/";
const PAGE = 1000;
const FIELDS = "name,state,pulp_created,started_at,finished_at";

export interface TaskQuery {
  /** Milliseconds since 1970. */
  readonly fromMs: number;
  readonly toMs?: number;
  /** Of the task; all of them without it. */
  readonly name?: string | undefined;
}

/** One task of any domain; times in seconds. */
export interface TaskTimes {
  readonly name: string;
  readonly state: string;
  readonly createdMs: number;
  /** From the creation to the start, of those that have started. */
  readonly waited?: number;
  /** From the start to the end, of those that have ended. */
  readonly ran?: number;
}

/** Tasks of all domains, oldest first, so that those that come meanwhile move none; page by page. */
export async function* adminTasks(
  client: ServerClient,
  { fromMs, toMs, name }: TaskQuery,
): AsyncGenerator<TaskTimes> {
  const query = {
    ...{ fields: FIELDS, limit: PAGE, ordering: "pulp_created" },
    pulp_created__gte: new Date(fromMs).toISOString(),
    ...(toMs === undefined ? {} : { pulp_created__lt: new Date(toMs).toISOString() }),
    ...(name === undefined ? {} : { name }),
  };
  for await (const task of client.items(PATH, query)) yield timesOf(task);
}

function timesOf(task: JsonObject): TaskTimes {
  const [created, started, finished] = ["pulp_created", "started_at", "finished_at"].map((key) =>
    typeof task[key] === "string" ? Date.parse(String(task[key])) : undefined,
  );
  const createdMs = created ?? 0;
  return {
    ...{ name: String(task.name), state: String(task.state), createdMs },
    ...(started === undefined ? {} : { waited: (started - createdMs) / 1000 }),
    ...(started === undefined || finished === undefined
      ? {}
      : { ran: (finished - started) / 1000 }),
  };
}
