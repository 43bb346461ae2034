import { ValidationError } from "#base/errors.ts";
import { prn } from "#base/prn.ts";
import { repairVersion } from "#core/maintenance/tasks.ts";
import { isProtectedVersion } from "#core/repositories/queries.ts";
import { deleteVersionTask } from "#core/repositories/tasks.ts";
import { dispatch } from "#core/tasks/commands.ts";
import { boolean } from "../../kit/fields.ts";
import type { Action, Body, Delete, Resource, Row } from "../../kit/resource.ts";
import { versionsOf } from "./versions.ts";

const PROTECTED =
  "The repository version cannot be deleted because it (or its publications) are currently being used to distribute content. Please update the necessary distributions first.";

/** Body of every repair request. */
export const repairBody: Body = {
  schema: "Repair",
  fields: { verify_checksums: boolean({ default: true }) },
  isLenient: true,
};

/**
 * `versions/` of a repository: list, read, delete and repair (core-rest §8.4).
 *
 * @param actions that versions of the type have besides; their rows have `$prn` and `$repository`.
 */
export const versionsResource = (
  repository: Resource,
  actions: readonly Action[] = [],
): Resource => {
  const lock = (row: Row) =>
    prn(`${repository.label}.${repository.model}`, String(row.$repository));
  const remove: Delete = {
    mode: "deferred",
    async check({ ctx }, row) {
      if (await isProtectedVersion(ctx, String(row.$prn))) throw new ValidationError([PROTECTED]);
    },
    async run({ ctx, caller }, row) {
      const input = { version: String(row.$prn) };
      const exclusive = [lock(row)];
      const { id } = await dispatch(ctx, { task: deleteVersionTask, input, caller, exclusive });
      return { kind: "task", task: id };
    },
  };
  const repair: Action = {
    name: "repair",
    method: "POST",
    on: "object",
    body: repairBody,
    answers: { 202: "AsyncOperationResponse" },
    async run({ ctx, caller }, values, row) {
      const input = {
        version: String(row.$prn),
        verifyChecksums: values.verify_checksums !== false,
      };
      const { id } = await dispatch(ctx, {
        task: repairVersion,
        input,
        caller,
        shared: [lock(row)],
      });
      return { kind: "task", task: id };
    },
  };
  return versionsOf(repository, { remove, actions: [repair, ...actions] });
};
