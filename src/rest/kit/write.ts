import { isDeepStrictEqual } from "node:util";
import type { JsonObject } from "#base/json.ts";
import { policyBook } from "#core/policies/book.ts";
import { runCreationHooks } from "#core/policies/commands.ts";
import { resourcePrn } from "./api-index.ts";
import type { Call, Run } from "./call.ts";
import type { GeneralTasks } from "./general-tasks.ts";
import { parseBody } from "./parse.ts";
import { keyOf } from "./present.ts";
import { type KeyPath, readRow } from "./read.ts";
import type { Action, Fields, Locks, Made, Outcome, Resource, Row, Values } from "./resource.ts";
import { roleObjectOf } from "./role-object.ts";
import type { Target } from "./target.ts";
import { policyName } from "./viewset.ts";

interface Work {
  readonly target: Target;
  readonly tasks: GeneralTasks;
}

/** `POST` on a collection. */
export async function createObject(
  resource: Resource,
  call: Call,
  { target, tasks }: Work,
): Promise<Outcome> {
  const { create } = resource.operations;
  if (!create) throw new Error(`${resource.path} has no create.`);
  // Below a parent that is not there, no body is right.
  const parent = resource.parent ? await target.parentRow() : {};
  const values = await target.values();
  await create.check?.(call, values);
  if (create.run) return await create.run(call, values, parent);
  if (create.mode === "task") {
    const input = (await create.prepare?.(call, values)) ?? values;
    return tasks.create(call, resource, {
      values: input,
      locks: create.locks?.(call, input) ?? {},
    });
  }
  const id = await makeObject(resource, call, values);
  return { kind: "object", id, status: 201 };
}

/**
 * Makes an object of values that another request than the `POST` of its collection brings: they are
 * checked in the same way.
 */
export async function createFrom(
  resource: Resource,
  call: Call,
  values: JsonObject,
): Promise<Outcome> {
  const { fields, operations } = resource;
  const checked = await parseBody(call, { values, isForm: false }, { fields, isPartial: false });
  await operations.create?.check?.(call, checked);
  return { kind: "object", id: await makeObject(resource, call, checked), status: 201 };
}

/** `PUT` and `PATCH`: only what differs from the stored object is a change (core-rest §2.5). */
export async function updateObject(
  resource: Resource,
  call: Call,
  { target, tasks }: Work,
): Promise<Outcome> {
  const row = await target.row();
  return updateRow(resource, call, { row, values: await target.values(), tasks });
}

interface RowChange {
  readonly row: Row;
  /** Checked against the fields. */
  readonly values: Values;
  readonly tasks: GeneralTasks;
}

/** Changes an object that is read, for whom that is permitted. */
export async function updateRow(
  resource: Resource,
  call: Call,
  { row, values, tasks }: RowChange,
): Promise<Outcome> {
  const { update } = resource.operations;
  if (!update) throw new Error(`${resource.path} has no update.`);
  await update.check?.(call, values, row);
  const hidden = (await update.current?.(call, row)) ?? {};
  const whole = update.complete?.(call, values, row) ?? values;
  const changes = update.isAlwaysChange ? whole : changesOf(whole, { ...row, ...hidden });
  if (Object.keys(changes).length === 0) return { kind: "object", id: keyOf(row), status: 200 };
  if (update.mode === "sync") {
    await update.apply(call, row, changes);
    return { kind: "object", id: keyOf(row), status: 200 };
  }
  const locks = update.locks?.(call, row, changes) ?? ownLock(resource, row);
  return await tasks.update(call, resource, { row, values: changes, locks });
}

export const deleteObject = async (
  resource: Resource,
  call: Call,
  { target, tasks }: Work,
): Promise<Outcome> => deleteRow(resource, call, { row: await target.row(), tasks });

/** Removes an object that is read, for whom that is permitted. */
export async function deleteRow(
  resource: Resource,
  call: Call,
  { row, tasks }: Omit<RowChange, "values">,
): Promise<Outcome> {
  const remove = resource.operations.delete;
  if (!remove) throw new Error(`${resource.path} has no delete.`);
  await remove.check?.(call, row);
  if (remove.run) return remove.run(call, row);
  if (remove.mode === "sync") {
    await remove.apply?.(call, row);
    return { kind: "empty", status: 204 };
  }
  const locks = remove.locks?.(call, row) ?? ownLock(resource, row);
  return await tasks.delete(call, resource, { row, locks, isImmediate: remove.mode === "task" });
}

/** The row of an action on the collection is empty. */
export async function runAction(action: Action, call: Call, target: Target): Promise<Outcome> {
  const row = action.on === "object" ? await target.row() : {};
  return action.run(call, await target.values(), row);
}

/**
 * Makes the object and gives its maker the roles of the policy, in one transaction.
 *
 * @param also what else belongs to it.
 * @returns the key of the object.
 */
export async function makeObject(
  resource: Resource,
  run: Run,
  values: Values,
  also?: Made,
): Promise<string | number> {
  const apply = resource.operations.create?.apply;
  if (!apply) throw new Error(`${resource.path} cannot be made here.`);
  const viewset = policyName(resource);
  let hasMaker = false;
  const key = await apply(run, values, async (db, key) => {
    hasMaker = true;
    await also?.(db, key);
    const object = roleObjectOf(resource, run, key);
    return runCreationHooks(run.ctx, db, { caller: run.caller, viewset, object });
  });
  const { creation_hooks: hooks = [] } = (await policyBook(run.ctx).policyOf(viewset)) ?? {};
  if (!hasMaker && hooks.length > 0) throw new Error(`${viewset} forgets the roles of its maker.`);
  return key;
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
