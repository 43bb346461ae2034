import { Type } from "@sinclair/typebox";
import type { Json } from "#base/json.ts";
import { defineTask, type Job, type TaskDefinition } from "#core/plugin-contract.ts";
import { dispatch } from "#core/tasks/commands.ts";
import { type ApiIndex, fullPath } from "./api-index.ts";
import type { Call, Run } from "./call.ts";
import { keyOf, present, rowHref } from "./present.ts";
import { readRow } from "./read.ts";
import type { Locks, Outcome, Resource, Row, Values } from "./resource.ts";
import { apiBase, taskView } from "./view.ts";
import { makeObject } from "./write.ts";

const createInput = Type.Object({ resource: Type.String(), values: Type.Unknown() });
const objectInput = Type.Object({ resource: Type.String(), key: Type.String() });
const updateInput = Type.Object({
  resource: Type.String(),
  key: Type.String(),
  values: Type.Unknown(),
});

export const GENERAL_DELETE = "pulpcore.app.tasks.base.ageneral_delete";

/** Creates, changes and deletes any object of the API in a task, by the names that clients filter on. */
export interface GeneralTasks {
  readonly definitions: readonly TaskDefinition[];
  create(call: Call, resource: Resource, work: { values: Values; locks: Locks }): Promise<Outcome>;
  update(
    call: Call,
    resource: Resource,
    work: { row: Row; values: Values; locks: Locks },
  ): Promise<Outcome>;
  delete(
    call: Call,
    resource: Resource,
    work: { row: Row; locks: Locks; isImmediate: boolean },
  ): Promise<Outcome>;
}

export function createGeneralTasks(api: ApiIndex): GeneralTasks {
  const resourceAt = (path: string): Resource => {
    const resource = api.byPath(path);
    if (!resource) throw new Error(`The API has no resource at ${path}.`);
    return resource;
  };
  const runOf = (job: Job): Run => {
    const { ctx, caller } = job;
    return { ctx, caller, view: taskView(ctx, api, caller), job };
  };

  const create = defineTask({
    name: "pulpcore.app.tasks.base.general_create",
    label: "core",
    input: createInput,
    immediate: true,
    async run(job, { resource: path, values }) {
      const resource = resourceAt(path);
      const run = runOf(job);
      const key = await makeObject(resource, run, values as Values);
      const row = await readRow(resource, run, { key: String(key) });
      if (!resource.operations.create?.reportsItself)
        await job.created(createdOf(resource, row, run));
      return result(resource, row, run);
    },
  });
  const update = defineTask({
    name: "pulpcore.app.tasks.base.ageneral_update",
    label: "core",
    input: updateInput,
    immediate: true,
    async run(job, { resource: path, key, values }) {
      const resource = resourceAt(path);
      const run = runOf(job);
      const row = await readRow(resource, run, { key });
      await resource.operations.update?.apply(run, row, values as Values);
      return result(resource, await readRow(resource, run, { key }), run);
    },
  });
  const remove = defineTask({
    name: GENERAL_DELETE,
    label: "core",
    input: objectInput,
    immediate: true,
    async run(job, { resource: path, key }) {
      const resource = resourceAt(path);
      const run = runOf(job);
      await resource.operations.delete?.apply?.(run, await readRow(resource, run, { key }));
      return null;
    },
  });
  return {
    definitions: [create, update, remove],
    create: (call, resource, { values, locks }) =>
      send(call, {
        task: create,
        input: { resource: fullPath(resource), values },
        locks,
        isImmediate: resource.operations.create?.isDeferred !== true,
      }),
    update: (call, resource, { row, values, locks }) => {
      const input = { resource: fullPath(resource), key: String(keyOf(row)), values };
      return send(call, { task: update, input, locks, isImmediate: true });
    },
    delete: (call, resource, { row, locks, isImmediate }) => {
      const input = { resource: fullPath(resource), key: String(keyOf(row)) };
      return send(call, { task: remove, input, locks, isImmediate });
    },
  };
}

interface Sending {
  readonly task: TaskDefinition;
  readonly input: unknown;
  readonly locks: Locks;
  readonly isImmediate: boolean;
}

async function send(call: Call, { task, input, locks, isImmediate }: Sending): Promise<Outcome> {
  const { ctx, caller } = call;
  const request = { task, input, caller, ...locks, immediate: isImmediate };
  return { kind: "task", task: (await dispatch(ctx, request)).id };
}

/** What `created_resources` needs to know of a new object. */
export function createdOf(resource: Resource, row: Row, { view, caller }: Run) {
  return {
    model: `${resource.prnLabel ?? resource.label}.${resource.model}`,
    object: String(row.$prn ?? keyOf(row)),
    path: rowHref(resource, row, view).slice(apiBase(view, caller.domain.name).length),
  };
}

const result = (resource: Resource, row: Row, { view }: Run): Json =>
  present(resource, row, { view, fields: { ...resource.fields, ...resource.detail } });
