import { sql } from "kysely";
import { fieldError } from "#base/errors.ts";
import type { JsonObject } from "#base/json.ts";
import { prn } from "#base/prn.ts";
import { touchUnits } from "#core/content/commands.ts";
import { insertDetail, putDetail, updateDetail } from "#core/detail.ts";
import {
  applyRetention,
  createRepository,
  deleteRepository,
  updateRepository,
} from "#core/repositories/commands.ts";
import { addAndRemove } from "#core/repositories/tasks.ts";
import type { NewRepository, VersionEdit } from "#core/repositories/types.ts";
import { dispatch } from "#core/tasks/commands.ts";
import { inTransaction } from "#core/transaction.ts";
import type { Run } from "../../kit/call.ts";
import { boolean, int32, labels, link, list, relation, text } from "../../kit/fields.ts";
import type { Filter, Filters } from "../../kit/filters/filter.ts";
import { labelSelect } from "../../kit/filters/label-select.ts";
import { integerFilters, NULLNUM } from "../../kit/filters/lookups.ts";
import {
  type Action,
  type Create,
  type Delete,
  defineResource,
  type Fields,
  type Resource,
  type Row,
  type Update,
  type Values,
} from "../../kit/resource.ts";
import { entityHref, type View, versionHref } from "../../kit/view.ts";
import type { Visibility } from "../../kit/visibility.ts";
import {
  checkNameFree,
  contentKey,
  type Detail,
  type DetailOptions,
  detailOf,
  entityActions,
  entityOrderings,
  nameFilters,
  ofKnownTypes,
  relationFilter,
  typeFilters,
} from "./common.ts";
import { checkUnits, unitIds } from "./named-units.ts";
import { ofFamily } from "./visibility.ts";

const repositoryHref = (row: Row, view: View): string =>
  entityHref(view, "repository", String(row.$type), String(row.$key));

/** Columns that addresses of a repository and of its latest version need. */
export const repositoryColumns = {
  $type: "e.type",
  $latest:
    "(select max(v.number) from repository_version v where v.repository = e.num and v.complete)",
} as const;

/** Keys that every repository has, in the order of the wire. */
export const repositoryFields: Fields = {
  versions_href: link({ sql: false, read: (row, view) => `${repositoryHref(row, view)}versions/` }),
  pulp_labels: labels,
  latest_version_href: link({
    sql: false,
    mayBeNull: true,
    read: (row, view) =>
      versionHref(view, {
        type: String(row.$type),
        repository: String(row.$key),
        number: Number(row.$latest ?? 0),
      }),
  }),
  name: text({ required: true }),
  description: text({ nullable: true }),
  retain_repo_versions: int32({ nullable: true }, { minimum: 1 }),
  retain_checkpoints: int32({ nullable: true }, { minimum: 1 }),
  remote: relation("remote", { to: "remote" }, { nullable: true }),
};

const hasUnit = (isLatest: boolean): Filter => ({
  schema: { type: "string" },
  takesEmpty: true,
  condition: (value, { view }) => {
    const id = contentKey(value, view);
    const latest = sql`and m.added <= v.number and m.removed > v.number and v.number = (
      select max(l.number) from repository_version l where l.repository = e.num and l.complete)`;
    return sql`exists (select from membership m join repository_version v
      on v.repository = m.repository and v.complete and v.number >= m.added
      where m.domain = e.domain and m.content = ${id}::uuid and m.repository = e.num
      ${isLatest ? latest : sql``})`;
  },
});

export const repositoryFilters: Filters = {
  ...nameFilters,
  ...integerFilters("retain_repo_versions", "e.retain_repo_versions", NULLNUM),
  ...integerFilters("retain_checkpoints", "e.retain_checkpoints", NULLNUM),
  remote: relationFilter("remote", "e.remote", "remote"),
  pulp_label_select: labelSelect(),
  with_content: hasUnit(false),
  latest_with_content: hasUnit(true),
};

export const repositoryOrderings = {
  ...entityOrderings,
  name: "e.name",
  description: "e.description",
  next_version: "e.next_version",
  pulp_labels: "e.labels",
  retain_repo_versions: "e.retain_repo_versions",
  user_hidden: "e.user_hidden",
} as const;

/** `repositories/`: all types of the domain. */
export const allRepositories = (types: readonly string[]): Resource =>
  defineResource({
    path: "repositories",
    label: "core",
    model: "Repository",
    family: "repository",
    title: "repository",
    key: "uuid",
    source: {
      from: "repository e",
      where: `not e.user_hidden and ${ofKnownTypes(types)}`,
    },
    fields: repositoryFields,
    address: repositoryHref,
    rowModel: (row, view) => view.ctx.plugins.entity("repository", String(row.$type)).model,
    addressColumns: repositoryColumns,
    filters: { ...repositoryFilters, ...typeFilters(types) },
    orderings: repositoryOrderings,
    visibility: ofFamily("repository"),
    operations: { list: true },
  });

/** The columns of `NewRepository` from the wire's names. */
export const toRepository = (values: Readonly<Record<string, unknown>>): JsonObject => {
  const names = {
    name: "name",
    description: "description",
    pulp_labels: "labels",
    retain_repo_versions: "retainRepoVersions",
    retain_checkpoints: "retainCheckpoints",
    remote: "remote",
  } as const;
  const entries = Object.entries(names).filter(([wire]) => wire in values);
  return Object.fromEntries(entries.map(([wire, name]) => [name, values[wire] as never]));
};

export interface RepositoryOptions extends DetailOptions {
  readonly path: string;
  readonly label: string;
  readonly model: string;
  readonly type: string;
  readonly title: string;
  readonly actions: readonly Action[];
  /** What it does not have of what every repository has. */
  readonly without?: readonly ("create" | "delete" | "modify" | "remote")[];
  /** Types of remotes that it can have, where not every one of the plugin fits. */
  readonly remoteTypes?: readonly string[];
  /** Which repositories somebody sees, where the permission on them does not say. */
  readonly visibility?: Visibility;
  /** Rules of the type over a `modify`, before it is dispatched; throws `ValidationError`. */
  checkModify?(run: Run, edit: VersionEdit, row: Row): Promise<void>;
}

/** A repository of one type: all five operations and `modify`; versions come with `versionsOf`. */
export const repositoryResource = (options: RepositoryOptions): Resource => {
  const { type, path, label, model, title, checkModify, without = [] } = options;
  const detail = detailOf(options);
  const { join, fields } = detail;
  const { remote: _, ...common } = repositoryFields;
  return defineResource({
    ...{ path, label, model, title },
    family: "repository",
    key: "uuid",
    ...(options.visibility ? { visibility: options.visibility } : {}),
    source: { from: `repository e${join}`, where: `e.type = '${type}' and not e.user_hidden` },
    fields: { ...(without.includes("remote") ? common : repositoryFields), ...fields },
    address: repositoryHref,
    addressColumns: repositoryColumns,
    filters: repositoryFilters,
    orderings: repositoryOrderings,
    operations: {
      list: true,
      read: true,
      ...(without.includes("create") ? {} : { create: createOperation(options, detail) }),
      update: updateOperation(options, detail),
      ...(without.includes("delete") ? {} : { delete: deleteOperation }),
    },
    actions: [
      ...(without.includes("modify") ? [] : [modifyAction(`${label}.${model}`, checkModify)]),
      ...options.actions,
      ...entityActions(options, "repository"),
    ],
  });
};

const createOperation = (options: RepositoryOptions, { table, columnsOf }: Detail): Create => ({
  mode: "sync",
  check: async (run, values) => {
    await checkRemoteType(run, options, values);
    await checkNameFree(run, "repository", { name: values.name });
  },
  apply: ({ ctx, caller }, values, made) =>
    inTransaction(ctx, undefined, async (trx) => {
      const { type } = options;
      const input = { domain: caller.domain, type, ...toRepository(values) } as NewRepository;
      const { id } = await createRepository(ctx, { ...input, by: caller }, trx);
      if (table)
        await insertDetail(trx, table, {
          id,
          domain: caller.domain.num,
          ...columnsOf(values),
        });
      await made(trx, id);
      return id;
    }),
});

const updateOperation = (
  options: RepositoryOptions,
  { table, columnsOf, isSparse }: Detail,
): Update => ({
  mode: "task",
  check: async (run, values, row) => {
    await checkRemoteType(run, options, values);
    await checkNameFree(run, "repository", { name: values.name, self: String(row.$key) });
  },
  apply: async ({ ctx, caller }, row, changes) => {
    const id = String(row.$key);
    await ctx.db.transaction().execute(async (trx) => {
      const values = columnsOf(changes);
      if (table && isSparse) await putDetail(trx, table, { id, domain: caller.domain.num, values });
      else if (table) await updateDetail(trx, table, { id, values });
      await updateRepository(ctx, { domain: caller.domain, id, patch: toRepository(changes) }, trx);
    });
    await applyRetention(ctx, id);
  },
});

const deleteOperation: Delete = {
  mode: "deferred",
  apply: ({ ctx, caller }, row) => deleteRepository(ctx, caller, String(row.$key)),
};

/** A repository's remote is of its own type (core-rest §8.3). */
async function checkRemoteType(
  { ctx }: Run,
  { type, remoteTypes }: RepositoryOptions,
  { remote }: Values,
): Promise<void> {
  if (!remote) return;
  const { rows } = await sql<{ name: string; type: string }>`
    select name, type from remote where id = ${remote}`.execute(ctx.db);
  const [found] = rows;
  if (!found) return;
  const fits = remoteTypes
    ? remoteTypes.includes(found.type)
    : found.type.split(".")[0] === type.split(".")[0];
  if (!fits) {
    throw fieldError("remote", `Type for Remote '${found.name}' does not match Repository.`);
  }
}

const units = () => list({ type: "string" });

/** Of more units than these the task finds out which are not there (service §18, 0049). */
const MOST_CHECKED = 10_000;

/** `modify/` (core-rest §8.3). */
const modifyAction = (model: string, check: RepositoryOptions["checkModify"]): Action => ({
  name: "modify",
  method: "POST",
  on: "object",
  body: {
    schema: "RepositoryAddRemoveContent",
    fields: {
      add_content_units: units(),
      remove_content_units: units(),
      base_version: relation("base_version", { to: "repository_version" }),
      overwrite: boolean({ default: true }),
    },
  },
  answers: { 202: "AsyncOperationResponse" },
  async run(call, values, row) {
    const add = (values.add_content_units ?? []) as readonly string[];
    const remove = (values.remove_content_units ?? []) as readonly string[];
    const isAll = remove.includes("*");
    if (isAll && remove.length > 1) {
      throw fieldError("remove_content_units", "Cannot supply content units and '*'.");
    }
    const input = {
      repository: String(row.$key),
      add: unitIds(call, "add_content_units", add),
      remove: isAll ? ("*" as const) : unitIds(call, "remove_content_units", remove),
      ...(values.base_version ? { baseVersion: String(values.base_version) } : {}),
      overwrite: values.overwrite !== false,
    };
    if (add.length <= MOST_CHECKED) await checkUnits(call, input.add, add);
    else await touchUnits(call.ctx.db, call.caller.domain, input.add);
    await check?.(call, input, row);
    const exclusive = [prn(model, String(row.$key))];
    const { id } = await dispatch(call.ctx, {
      task: addAndRemove,
      input,
      caller: call.caller,
      exclusive,
    });
    return { kind: "task", task: id };
  },
});
