import type { JsonObject } from "#base/json.ts";
import type { DomainRef } from "#core/ctx.ts";
import type { Call } from "../kit/call.ts";
import type { GeneralTasks } from "../kit/general-tasks.ts";
import { parseBody } from "../kit/parse.ts";
import { present } from "../kit/present.ts";
import { checkKeys, readRow } from "../kit/read.ts";
import type { Made, Outcome, Resource, Values } from "../kit/resource.ts";
import { restErrors } from "../kit/rest-errors.ts";
import { deleteRow, detailFields, makeObject, updateRow } from "../kit/write.ts";

/**
 * Changes objects as requests of the REST API do, with the same checks, commands and tasks. Whether
 * somebody may is asked by the page: nothing here asks again. Values are texts of forms, or what JSON
 * would bring.
 *
 * @throws `ValidationError` as the API; `restErrors.noMatch` and `notFound` (404).
 */
export interface Desk {
  /** Values as the API takes them; those that are not given are not there. */
  check(path: string, values: Values): Promise<Values>;
  /** @param also what else belongs to it, in the same transaction. Returns the key. */
  create(path: string, values: Values, also?: Made): Promise<string | number>;
  change(path: string, key: string, values: Values): Promise<Outcome>;
  remove(path: string, key: string): Promise<Outcome>;
  /** An action of a resource on one object. */
  act(path: string, action: string, change: ActionChange): Promise<Outcome>;
  /** An object as the API shows it: without secrets. The audit trail says that the request is about it. */
  show(path: string, key: string): Promise<JsonObject>;
  /** For objects of another domain than that of the request. */
  inDomain(domain: DomainRef): Desk;
}

interface ActionChange {
  readonly key: string;
  readonly values: Values;
}

export function openDesk(call: Call, tasks: GeneralTasks): Desk {
  const resourceAt = (path: string): Resource => {
    const resource = call.view.api.byPath(path);
    if (!resource) throw restErrors.notFound();
    return resource;
  };
  const read = async (path: string, key: string) => {
    const resource = resourceAt(path);
    checkKeys(resource, { key });
    const row = await readRow(resource, call, { key });
    call.request.audit?.found(resource, row);
    return { resource, row };
  };
  const parsed = (resource: Resource, values: Values, isPartial: boolean): Promise<Values> =>
    parseBody(call, { values, isForm: true }, { fields: resource.fields, isPartial });
  const told = (outcome: Outcome): Outcome => {
    if (outcome.kind === "task") call.request.audit?.dispatched({ task: outcome.task });
    return outcome;
  };
  return {
    check: (path, values) => parsed(resourceAt(path), values, true),
    async create(path, values, also) {
      const resource = resourceAt(path);
      const checked = await parsed(resource, values, false);
      await resource.operations.create?.check?.(call, checked);
      const key = await makeObject(resource, call, checked, also);
      await read(path, String(key));
      return key;
    },
    async change(path, key, values) {
      const { resource, row } = await read(path, key);
      const checked = await parsed(resource, values, true);
      return told(await updateRow(resource, call, { row, values: checked, tasks }));
    },
    async remove(path, key) {
      const { resource, row } = await read(path, key);
      return told(await deleteRow(resource, call, { row, tasks }));
    },
    async act(path, action, { key, values }) {
      const { resource, row } = await read(path, key);
      const found = resource.actions?.find(({ name, on }) => name === action && on === "object");
      if (!found) throw restErrors.notFound();
      return told(await found.run(call, values, row));
    },
    async show(path, key) {
      const { resource, row } = await read(path, key);
      return present(resource, row, { view: call.view, fields: detailFields(resource) });
    },
    inDomain: (domain) =>
      openDesk(
        {
          ...call,
          caller: { ...call.caller, domain },
          view: { ...call.view, domain: domain.name },
        },
        tasks,
      ),
  };
}
