import { fieldError, objectError, ValidationError } from "#base/errors.ts";
import { prn } from "#base/prn.ts";
import {
  type Action,
  type Call,
  dispatch,
  FieldProblem,
  list,
  namedUnits,
  relation,
  sql,
  text,
  type Values,
} from "#sdk";
import { migratePushRepository, recursiveAdd, recursiveRemove } from "../content-edits/tasks.ts";
import { MANIFEST_TYPES } from "../format/media-types.ts";

/** Actions of repositories (plugin-container §4): checked first, then tasks. */

export type Row = Parameters<Action["run"]>[2];
type Task = Parameters<typeof dispatch>[1]["task"];

export const REPOSITORY = "container.ContainerRepository";
export const PUSH_REPOSITORY = "container.ContainerPushRepository";

export const POST_TO_OBJECT = {
  method: "POST",
  on: "object",
  answers: { 202: "AsyncOperationResponse" },
} as const;

interface Dispatch {
  readonly task: Task;
  readonly input: object;
  readonly shared?: readonly string[];
}

/** The task has the repository for itself. */
export async function dispatchFor(
  { ctx, caller }: Call,
  row: Row,
  { task, input, shared = [] }: Dispatch,
) {
  const repository = String(row.$key);
  const { model } = ctx.plugins.entity("repository", String(row.$type));
  const { id } = await dispatch(ctx, {
    task,
    input: { repository, ...input },
    caller,
    exclusive: [prn(model, repository)],
    ...(shared.length > 0 ? { shared } : {}),
  });
  return { kind: "task", task: id } as const;
}

/** A list of texts, which the description calls a list of anything. */
const textList = (more: object = {}) =>
  list(
    {},
    {
      check: (values: readonly unknown[]) => {
        if (values.every((value) => typeof value === "string")) return values;
        throw new FieldProblem("Not a valid string.");
      },
      ...more,
    },
  );

/** Null takes everything; the description of old does not say so. */
const ALL = { accepts: { type: "array", nullable: true, items: {} } };

const recursiveManage = { schema: "RecursiveManage", fields: { content_units: textList() } };

const unitsIn = (values: Values) => (values.content_units ?? []) as readonly string[];

export const addAction: Action = {
  name: "add",
  ...POST_TO_OBJECT,
  body: recursiveManage,
  async run(call, values, row) {
    const units = await namedUnits(call, "content_units", unitsIn(values));
    return dispatchFor(call, row, { task: recursiveAdd, input: { units } });
  },
};

/** What older clients were told that `remove_signatures` answers. */
export const removedSignaturesSchema = { signed_with_key_id: text({ required: true }) };

const NOT_ALONE = "'*' should be the only item present in the [...]";

export const removeAction: Action = {
  name: "remove",
  ...POST_TO_OBJECT,
  body: recursiveManage,
  async run(call, values, row) {
    const given = unitsIn(values);
    const isAll = given.includes("*");
    if (isAll && given.length > 1) throw fieldError("content_units", NOT_ALONE);
    const units = isAll ? "*" : await namedUnits(call, "content_units", given);
    return dispatchFor(call, row, { task: recursiveRemove, input: { units } });
  },
};

const sources = {
  source_repository: relation("source_repository", { to: "repository" }),
  source_repository_version: relation("source_repository_version", { to: "repository_version" }),
};

const NO_SOURCE = "Either the 'repository' or 'repository_version' needs to be specified";
const TWO_SOURCES =
  "Either the 'repository' or 'repository_version' need to be specified but not both.";

/** The version that is copied from, and the lock on its repository. */
async function sourceOf({ ctx, caller }: Call, values: Values) {
  const { source_repository: repository, source_repository_version: version } = values;
  if (repository && version) throw objectError(TWO_SOURCES);
  if (!repository && !version) throw objectError(NO_SOURCE);
  const { rows } = await sql<{ version: string; repository: string; type: string }>`
    select v.id as version, r.id as repository, r.type
    from repository_version v join repository r on r.num = v.repository
    where v.domain = ${caller.domain.num} and v.complete
      and ${version ? sql`v.id = ${version}` : sql`r.id = ${repository}`}
    order by v.number desc limit 1`.execute(ctx.db);
  const [found] = rows;
  const isOurs = found?.type.startsWith("container.");
  if (!found || !isOurs) {
    const name = version ? "source_repository_version" : "source_repository";
    throw fieldError(name, "Invalid hyperlink - Incorrect URL match.");
  }
  const { model } = ctx.plugins.entity("repository", found.type);
  return { source: found.version, shared: [prn(model, found.repository)] };
}

export const copyTagsAction: Action = {
  name: "copy_tags",
  ...POST_TO_OBJECT,
  body: { schema: "TagCopy", fields: { ...sources, names: textList(ALL) } },
  async run(call, values, row) {
    const { source, shared } = await sourceOf(call, values);
    const input = { source, tags: values.names ?? null };
    return dispatchFor(call, row, { task: recursiveAdd, input, shared: others(shared, row) });
  },
};

export const copyManifestsAction: Action = {
  name: "copy_manifests",
  ...POST_TO_OBJECT,
  body: {
    schema: "ManifestCopy",
    fields: {
      ...sources,
      digests: textList(ALL),
      media_types: list(
        { type: "string", enum: [...MANIFEST_TYPES].sort() },
        {
          accepts: {
            type: "array",
            nullable: true,
            items: { type: "string", enum: [...MANIFEST_TYPES] },
          },
        },
      ),
    },
  },
  async run(call, values, row) {
    const { source, shared } = await sourceOf(call, values);
    const input = {
      source,
      digests: values.digests ?? null,
      mediaTypes: values.media_types ?? null,
    };
    return dispatchFor(call, row, { task: recursiveAdd, input, shared: others(shared, row) });
  },
};

/** A repository that copies from itself has itself already. */
const others = (shared: readonly string[], row: Row) =>
  shared.filter((name) => !name.endsWith(`:${row.$key}`));

export interface Latest {
  /** Latest version, as texts about it name it. */
  readonly name: string;
  readonly repository: number;
}

export async function latestOf({ ctx, view }: Call, row: Row): Promise<Latest> {
  const { rows } = await sql<{ num: number; number: number }>`
    select r.num, max(v.number) as number from repository r
    join repository_version v on v.repository = r.num and v.complete
    where r.id = ${row.$key} group by r.num`.execute(ctx.db);
  const { num = 0, number = 0 } = rows[0] ?? {};
  const { path } = ctx.plugins.entity("repository", String(row.$type));
  const base = `${view.root}${view.domainEnabled ? `${view.domain}/` : ""}api/v3/`;
  return { name: `${base}${path}/${row.$key}/versions/${number}/`, repository: num };
}

/** Members of the latest version of one table by a column. */
export async function membersWith(
  { ctx, caller }: Call,
  { repository }: Latest,
  {
    table,
    column,
    value,
  }: { readonly table: string; readonly column: string; readonly value: unknown },
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select d.id from ${sql.table(table)} d
    join membership m on m.domain = d.domain and m.content = d.id
    where d.domain = ${caller.domain.num} and ${sql.ref(`d.${column}`)} = ${value}
      and m.repository = ${repository} and m.removed = 2147483647`.execute(ctx.db);
  return rows.map(({ id }) => id);
}

export const removeSignaturesAction: Action = {
  name: "remove_signatures",
  ...POST_TO_OBJECT,
  // What is sent is the task; older clients were told of an echo of the body.
  answers: { 200: "RemoveSignaturesResponse", ...POST_TO_OBJECT.answers },
  body: {
    schema: "RemoveSignatures",
    fields: { signed_with_key_id: text({ required: true }) },
  },
  async run(call, { signed_with_key_id: key }, row) {
    const latest = await latestOf(call, row);
    const by = { table: "container_signature", column: "key_id", value: key };
    const units = await membersWith(call, latest, by);
    if (units.length === 0) {
      throw new ValidationError({
        non_field_errors: [
          `There are no signatures in the latest repository version '${latest.name}' produced with the specified key_id '${key}'`,
        ],
      });
    }
    return dispatchFor(call, row, { task: recursiveRemove, input: { units } });
  },
};

export const migrateAction: Action = {
  name: "migrate",
  ...POST_TO_OBJECT,
  body: { schema: "MigratePushRepository", fields: {} },
  run: (call, _values, row) => dispatchFor(call, row, { task: migratePushRepository, input: {} }),
};
