import { sql } from "kysely";
import { fieldError } from "#base/errors.ts";
import { objectName } from "#core/artifacts/queries.ts";
import { signedArtifactPath } from "#core/guards/commands.ts";
import { cancelTask, deleteTask, dispatch } from "#core/tasks/commands.ts";
import { purgeTasks } from "#core/tasks/purge.ts";
import { FINAL_STATES } from "#core/tasks/table.ts";
import type { Call } from "../kit/call.ts";
import { datetime, list, text } from "../kit/fields.ts";
import { keyOf, present } from "../kit/present.ts";
import { readRow } from "../kit/read.ts";
import {
  type Action,
  type Body,
  defineResource,
  FieldProblem,
  type Outcome,
  type Resource,
  type Row,
} from "../kit/resource.ts";
import { href } from "../kit/view.ts";
import { resourceErrors } from "./errors.ts";
import { roleActions } from "./role-actions.ts";
import { MINIMAL_KEYS, taskFields } from "./task-fields.ts";
import { taskFilters } from "./task-filters.ts";

const PURGE_DAYS = 30;
const DAY_MS = 86_400_000;

/** `{"state": "canceled"}`, of tasks and of groups. */
export const cancelBody: Body = {
  schema: "PatchedTaskCancel",
  fields: {
    state: text({
      check: (value: string) => {
        if (value === "canceled") return value;
        throw new FieldProblem("The only acceptable value for 'state' is 'canceled'.");
      },
    }),
  },
  isLenient: true,
  isPartial: true,
};

/** @throws `ValidationError` when the body does not say what to do. */
export function checkCancel(state: unknown): void {
  if (state === undefined) throw fieldError("state", "This field is required.");
}

/** Answers with the task as it is afterwards: 200 if it is or will be canceled, else 409. */
async function cancel(call: Call, row: Row): Promise<Outcome> {
  const id = String(keyOf(row));
  const { state } = await cancelTask(call.ctx, id);
  const current = await readRow(task, call, { key: id });
  const isTaken = state === "canceled" || state === "canceling";
  const body = { ...present(task, current, { view: call.view }), created_by: null };
  return { kind: "json", status: isTaken ? 200 : 409, body };
}

const cancelAction: Action = {
  name: "cancel",
  method: "PATCH",
  on: "object",
  path: "",
  permission: "partial_update",
  body: cancelBody,
  answers: { 200: "TaskResponse", 409: "TaskResponse" },
  operationId: "tasks_cancel",
  run(call, { state }, row) {
    checkCancel(state);
    return cancel(call, row);
  },
};

/** Thirty days ago, to the day, by the time of the request. */
const purgeDefault = (nowMs: number): string =>
  `${new Date(nowMs - PURGE_DAYS * DAY_MS).toISOString().slice(0, 10)}T00:00:00Z`;

const purgeAction: Action = {
  name: "purge",
  method: "POST",
  on: "collection",
  body: {
    schema: "Purge",
    fields: {
      finished_before: datetime({ absent: ({ ctx }) => purgeDefault(ctx.clock.now()) }),
      states: list({ type: "string", enum: [...FINAL_STATES].sort() }, { default: ["completed"] }),
    },
    isLenient: true,
  },
  answers: { 202: "AsyncOperationResponse" },
  async run({ ctx, caller }, { finished_before, states }) {
    const input = {
      finished_before: String(finished_before),
      states: states as (typeof FINAL_STATES)[number][],
    };
    const { id } = await dispatch(ctx, { task: purgeTasks, input, caller });
    return { kind: "task", task: id };
  },
};

interface ProfileRow {
  readonly name: string;
  readonly id: string;
  readonly sha256: string;
  readonly file: string | null;
}

/** Addresses signed by the store, else by us, else those of the artifacts. */
const profileAction: Action = {
  name: "profile_artifacts",
  method: "GET",
  on: "object",
  answers: { 200: "ProfileArtifactResponse" },
  async run({ ctx, caller, view }, _values, row) {
    const { rows } = await sql<ProfileRow>`
      select p.name, a.id, encode(a.sha256, 'hex') as sha256, a.file from profile_artifact p
      join artifact a on a.domain = p.domain and a.id = p.artifact
      where p.task = ${keyOf(row)} order by p.name`.execute(ctx.db);
    const storage = ctx.storage(caller.domain);
    const entries = rows.map(async ({ name, id, sha256, file }) => {
      const signed = await storage.redirect(file ?? objectName(caller.domain, sha256), {
        method: "GET",
        fileName: name,
        contentType: "application/octet-stream",
      });
      if (signed) return [name, signed] as const;
      const path = await signedArtifactPath(ctx, id);
      const origin = (path && ctx.settings.CONTENT_ORIGIN) || view.origin;
      return [name, `${origin}${path ?? href(view, `artifacts/${id}/`)}`] as const;
    });
    const urls = Object.fromEntries(await Promise.all(entries));
    return { kind: "json", status: 200, body: { urls } };
  },
};

export const task: Resource = defineResource({
  path: "tasks",
  label: "core",
  model: "Task",
  title: "task",
  key: "uuid",
  source: { from: "task e" },
  fields: taskFields,
  filters: taskFilters,
  orderings: {
    deferred: "e.deferred",
    // Published, but sealed arguments have no order.
    enc_args: "(e.id is null)",
    enc_kwargs: "(e.id is null)",
    error: "e.error",
    finished_at: "e.finished_at",
    immediate: "e.immediate",
    logging_cid: "e.cid",
    name: "e.name",
    profile_options: "e.profile_options",
    pulp_created: "e.created",
    pulp_id: "e.id",
    pulp_last_updated: "e.updated",
    reserved_resources_record: "e.resources",
    result: "e.result",
    started_at: "e.started_at",
    state: "e.state",
    unblocked_at: "e.unblocked_at",
    versions: "e.versions",
  },
  minimal: { schema: "MinimalTaskResponse", keys: MINIMAL_KEYS },
  operations: {
    list: true,
    read: true,
    delete: {
      mode: "sync",
      async apply({ ctx }, row) {
        const result = await deleteTask(ctx, String(keyOf(row)));
        if (result === "incomplete") throw resourceErrors.incompleteTask();
      },
    },
  },
  actions: [
    cancelAction,
    purgeAction,
    profileAction,
    ...roleActions("core.task", {
      fixed: {
        "core.task_user_dispatcher":
          "core.task_user_dispatcher can not be added/removed from a task.",
      },
    }),
  ],
});
