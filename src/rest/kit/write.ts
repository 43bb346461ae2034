import { isDeepStrictEqual } from "node:util";
import { resourcePrn } from "./api-index.ts";
import { readBody } from "./body.ts";
import type { Call, Run } from "./call.ts";
import type { GeneralTasks } from "./general-tasks.ts";
import { parseBody } from "./parse.ts";
import { keyOf } from "./present.ts";
import { type KeyPath, readRow } from "./read.ts";
import { removeRow } from "./remove-row.ts";
import type { Action, Fields, Locks, Outcome, Resource, Row, Values } from "./resource.ts";

/** `POST` on a collection. */
export async function createObject(
  resource: Resource,
  call: Call,
  tasks: GeneralTasks,
): Promise<Outcome> {
  const { create } = resource.operations;
  if (!create) throw new Error(`${resource.path} has no create.`);
  const body = resource.createBody ?? bodyOf(resource);
  await using raw = await readBody(call, body);
  const values = await parseBody(call, raw, { ...body, isPartial: false });
  await create.check?.(call, values);
  if (create.run) return await create.run(call, values);
  if (create.mode === "task") {
    const input = (await create.prepare?.(call, values)) ?? values;
    return tasks.create(call, resource, {
      values: input,
      locks: create.locks?.(call, input) ?? {},
    });
  }
  if (!create.apply) throw new Error(`${resource.path} cannot be made here.`);
  const id = await create.apply(call, values);
  return { kind: "object", id, status: 201 };
}

/** `PUT` and `PATCH`: only what differs from the stored object is a change (core-rest §2.5). */
export async function updateObject(
  resource: Resource,
  call: Call,
  { row, tasks }: { readonly row: Row; readonly tasks: GeneralTasks },
): Promise<Outcome> {
  const { update } = resource.operations;
  if (!update) throw new Error(`${resource.path} has no update.`);
  await using raw = await readBody(call, { fields: resource.fields });
  const isPartial = call.request.method === "PATCH";
  const values = await parseBody(call, raw, { ...bodyOf(resource), isPartial });
  await update.check?.(call, values, row);
  const hidden = (await update.current?.(call, row)) ?? {};
  const changes = changesOf(values, { ...row, ...hidden });
  if (Object.keys(changes).length === 0) return { kind: "object", id: keyOf(row), status: 200 };
  if (update.mode === "sync") {
    await update.apply(call, row, changes);
    return { kind: "object", id: keyOf(row), status: 200 };
  }
  const locks = update.locks?.(call, row, changes) ?? ownLock(resource, row);
  return await tasks.update(call, resource, { row, values: changes, locks });
}

const bodyOf = ({ fields, isLenient = false }: Resource) => ({ fields, isLenient });

export async function deleteObject(
  resource: Resource,
  call: Call,
  { row, tasks }: { readonly row: Row; readonly tasks: GeneralTasks },
): Promise<Outcome> {
  const remove = resource.operations.delete;
  if (!remove) throw new Error(`${resource.path} has no delete.`);
  await remove.check?.(call, row);
  if (remove.run) return remove.run(call, row);
  if (remove.mode === "sync") {
    await removeRow(resource, call, row);
    return { kind: "empty", status: 204 };
  }
  const locks = remove.locks?.(call, row) ?? ownLock(resource, row);
  return await tasks.delete(call, resource, { row, locks, isImmediate: remove.mode === "task" });
}

export async function runAction(action: Action, call: Call, row: Row): Promise<Outcome> {
  if (!action.body) return action.run(call, {}, row);
  await using raw = await readBody(call, action.body);
  const values = await parseBody(call, raw, {
    ...action.body,
    isPartial: action.body.isPartial ?? false,
  });
  return await action.run(call, values, row);
}

const ownLock = (resource: Resource, row: Row): Locks => ({
  exclusive: [resourcePrn(resource, String(row.$prn ?? keyOf(row)))],
});

function changesOf(values: Values, stored: Row): Values {
  const changed = Object.entries(values).filter(
    ([name, value]) => !isDeepStrictEqual(value ?? null, stored[name] ?? null),
  );
  return Object.fromEntries(changed);
}

/** The object as it is now, for answers and task results. */
export const reread = (resource: Resource, run: Run, path: KeyPath): Promise<Row> =>
  readRow(resource, run, path);

/** Fields that an answer about one object shows. */
export const detailFields = (resource: Resource): Fields => ({
  ...resource.fields,
  ...resource.detail,
});
