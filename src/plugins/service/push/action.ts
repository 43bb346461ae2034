import { fieldError, objectError, ValidationError } from "#base/errors.ts";
import {
  type Action,
  type Call,
  dispatch,
  type Field,
  FieldProblem,
  labels,
  type Resource,
  sql,
  text,
  type Values,
} from "#sdk";

/** Makes any object of the API in a task. */
const GENERAL_CREATE = "pulpcore.app.tasks.base.general_create";

interface Received {
  readonly filename?: string;
}

/**
 * Takes a file into the repository of the record, as a request that creates content there would, under
 * the same rules (service §9.3).
 */
export const pushAction: Action = {
  name: "push",
  method: "POST",
  on: "object",
  body: {
    schema: "PushRepositoryPush",
    hasFile: true,
    fields: {
      file: { schema: { type: "string", format: "binary" }, required: true },
      relative_path: text(),
      pulp_labels: labels,
    },
  },
  answers: { 202: "AsyncOperationResponse" },
  async run(call, values, row) {
    const repository = await repositoryOf(call, String(row.$key));
    const resource = contentOf(call, repository.type);
    const input = await inputOf(call, resource, { values, repository: repository.id });
    const { create } = resource.operations;
    if (!create) throw objectError(NOT_HERE);
    await create.check?.(call, input);
    const prepared = (await create.prepare?.(call, input)) ?? input;
    const task = call.ctx.plugins.task(GENERAL_CREATE);
    if (!task) throw new Error("There is no task that makes objects.");
    const { id } = await dispatch(call.ctx, {
      task,
      input: { resource: resource.path, values: prepared },
      caller: call.caller,
      ...create.locks?.(call, prepared),
      immediate: false,
    });
    return { kind: "task", task: id };
  },
};

const NOT_HERE = "Content of this repository is pushed by its own protocol.";

async function repositoryOf({ ctx, caller }: Call, id: string) {
  const { rows } = await sql<{ id: string; type: string }>`
    select r.id, r.type from service_push_repository p
      join repository r on r.domain = p.domain and r.id = p.repository
    where p.domain = ${caller.domain.num} and p.id = ${id}`.execute(ctx.db);
  const [found] = rows;
  if (!found) throw objectError("The repository is gone.");
  return found;
}

/** The resource whose units are made of a file. @throws `ValidationError` where there is none. */
function contentOf({ ctx, view }: Call, repositoryType: string): Resource {
  const { contentTypes } = ctx.plugins.repositoryType(repositoryType);
  for (const type of contentTypes) {
    const resource = view.api.byPath(ctx.plugins.contentType(type).path);
    const fields = resource?.createBody?.fields ?? {};
    if (resource?.operations.create && "file" in fields && "repository" in fields) return resource;
  }
  throw objectError(NOT_HERE);
}

/**
 * What a request that creates such content would have said; a file goes by its own name where no other
 * is given.
 *
 * @throws `ValidationError` by field
 */
async function inputOf(
  call: Call,
  resource: Resource,
  given: { readonly values: Values; readonly repository: string },
): Promise<Values> {
  const { file, relative_path: path, pulp_labels } = given.values;
  const told: Values = {
    ...{ file, repository: given.repository, pulp_labels },
    relative_path: path ?? (file as Received).filename,
  };
  const input: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(resource.createBody?.fields ?? {})) {
    const value = told[name] ?? field.absent?.(call) ?? field.default;
    if (value !== undefined) {
      input[name] = CHECKED.has(name) ? await checked(call, { name, field, value }) : value;
    } else if (field.required) throw fieldError(name, "This field is required.");
  }
  return input;
}

/** The rest is checked already, or comes from us. */
const CHECKED: ReadonlySet<string> = new Set(["relative_path"]);

const LONGEST_PATH = 1000;

async function checked(
  call: Call,
  { name, field, value }: { readonly name: string; readonly field: Field; readonly value: unknown },
): Promise<unknown> {
  const text = String(value);
  if (text === "" || text.length > LONGEST_PATH || text.includes("\0") || !text.isWellFormed()) {
    throw fieldError(name, "Not a valid string.");
  }
  try {
    return (await field.check?.(text as never, call)) ?? text;
  } catch (error) {
    throw error instanceof FieldProblem ? new ValidationError({ [name]: [error.detail] }) : error;
  }
}
