import { sql } from "kysely";
import { fieldError } from "#base/errors.ts";
import type { Json } from "#base/json.ts";
import { prn } from "#base/prn.ts";
import type { TaskDefinition } from "#core/plugin-contract.ts";
import { dispatch } from "#core/tasks/commands.ts";
import type { Call } from "../../kit/call.ts";
import { boolean, relation } from "../../kit/fields.ts";
import type { Action, Fields, Row, Values } from "../../kit/resource.ts";

export interface SyncOptions {
  /** `file.FileRepository` */
  readonly model: string;
  readonly task: TaskDefinition;
  /** Name of the body's schema where it is not the common one. */
  readonly schema?: string;
  /** Types of remotes that fit, where not every one of the plugin does. */
  readonly remoteTypes?: readonly string[];
  /** Keys of the body besides `remote` and `mirror`. */
  readonly fields?: Fields;
  /** Rules of the type over body and repository; throws `ValidationError`. */
  check?(values: Values, row: Row): void;
  /** Input of the task. */
  input(work: {
    readonly repository: string;
    readonly remote: string;
    readonly values: Values;
  }): Json;
}

/** `sync/` of a repository (core-rest §8.3, core-content §8.2). */
export const syncAction = ({
  model,
  task,
  schema = "RepositorySyncURL",
  remoteTypes,
  fields = {},
  check,
  input,
}: SyncOptions): Action => ({
  name: "sync",
  method: "POST",
  on: "object",
  body: {
    schema,
    fields: {
      remote: relation("remote", { to: "remote" }),
      mirror: boolean({ default: false }),
      ...fields,
    },
  },
  answers: { 202: "AsyncOperationResponse" },
  async run(call, values, row) {
    const repository = String(row.$key);
    const remote = await remoteOf(call, remoteTypes, { ...row, ...values });
    check?.(values, row);
    const { id } = await dispatch(call.ctx, {
      task,
      input: input({ repository, remote: remote.id, values }),
      caller: call.caller,
      exclusive: [prn(model, repository)],
      shared: [remote.name],
    });
    return { kind: "task", task: id };
  },
});

/** The remote of the request or of the repository; it is of the repository's type. */
async function remoteOf({ ctx }: Call, types: readonly string[] | undefined, row: Row) {
  const id = row.remote;
  if (typeof id !== "string") {
    throw fieldError(
      "remote",
      "This field is required since a remote is not set on the repository.",
    );
  }
  const { rows } = await sql<{ type: string }>`select type from remote where id = ${id}`.execute(
    ctx.db,
  );
  const type = rows[0]?.type ?? "";
  const name = prn(ctx.plugins.entity("remote", type).model, id);
  const fits = types
    ? types.includes(type)
    : type.split(".")[0] === String(row.$type).split(".")[0];
  if (!fits) {
    const repository = prn(
      ctx.plugins.entity("repository", String(row.$type)).model,
      String(row.$key),
    );
    throw fieldError(
      "remote",
      `Type for Remote '${name}' does not match Repository '${repository}'.`,
    );
  }
  return { id, name };
}
