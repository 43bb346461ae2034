import { sql } from "kysely";
import { objectError } from "#base/errors.ts";
import type { Json } from "#base/json.ts";
import { prn } from "#base/prn.ts";
import type { TaskDefinition } from "#core/plugin-contract.ts";
import { deletePublication } from "#core/publications/commands.ts";
import { dispatch } from "#core/tasks/commands.ts";
import type { Run } from "../../kit/call.ts";
import { boolean, list, relation } from "../../kit/fields.ts";
import type { Filters } from "../../kit/filters/filter.ts";
import { booleanFilter, DATETIME, datetimeFilters } from "../../kit/filters/lookups.ts";
import {
  defineResource,
  type Field,
  type Fields,
  type Resource,
  type Values,
} from "../../kit/resource.ts";
import { entityHref } from "../../kit/view.ts";
import { roleActions } from "../role-actions.ts";
import {
  contentKey,
  detailOf,
  entityOrderings,
  ofKnownTypes,
  relationFilter,
  typeFilters,
} from "./common.ts";
import { versionOf } from "./version-reference.ts";
import { ofFamily } from "./visibility.ts";

const REPOSITORY = `(select r.id from repository r join repository_version v on v.repository = r.num
  where v.id = e.version)`;

/** Keys that every publication has: one of the two is given on create. */
export const publicationFields: Fields = {
  repository_version: relation(
    "repository_version",
    { to: "repository_version" },
    { column: "e.version" },
  ),
  repository: relation("repository", { to: "repository" }, { column: REPOSITORY }),
};

export const checkpointField = boolean({ mayBeNull: true });

const contains = (ids: readonly string[]) => sql`exists (
  select from repository_version v join membership m on m.repository = v.repository
    and m.added <= v.number and m.removed > v.number
  where v.id = e.version and m.content = any(${ids}::uuid[]))`;

const repositoryFilter = relationFilter("repository", REPOSITORY, "repository");

export const publicationFilters: Filters = {
  ...datetimeFilters("pulp_created", "e.created", DATETIME),
  ...booleanFilter("checkpoint", "e.checkpoint"),
  repository: { ...repositoryFilter, schema: { type: "string" } },
  repository_version: {
    schema: { type: "string", format: "uuid" },
    takesEmpty: true,
    condition: async (value, run) => sql`e.version = ${(await versionOf(value, run)).id}`,
  },
  content: {
    schema: { type: "string" },
    takesEmpty: true,
    condition: (value, { view }) => contains([contentKey(value, view)]),
  },
  content__in: {
    schema: { type: "array", items: { type: "string" } },
    isCsv: true,
    takesEmpty: true,
    condition: (value, { view }) => contains(value.split(",").map((one) => contentKey(one, view))),
  },
};

export const publicationOrderings = {
  ...entityOrderings,
  checkpoint: "e.checkpoint",
  complete: "e.complete",
  pass_through: "(e.layout = 'pass_through')",
} as const;

/** `publications/`: complete ones of all types. */
export const allPublications = (types: readonly string[]): Resource =>
  defineResource({
    path: "publications",
    label: "core",
    model: "Publication",
    family: "publication",
    title: "publication",
    key: "uuid",
    source: { from: "publication e", where: `e.complete and ${ofKnownTypes(types)}` },
    fields: publicationFields,
    address: (row, view) => entityHref(view, "publication", String(row.$type), String(row.$key)),
    rowModel: (row, view) => view.ctx.plugins.entity("publication", String(row.$type)).model,
    addressColumns: { $type: "e.type" },
    filters: { ...publicationFilters, ...typeFilters(types) },
    orderings: publicationOrderings,
    visibility: ofFamily("publication"),
    operations: { list: true },
  });

const EITHER = "Either the 'repository' or 'repository_version' need to be specified";

/** What a publication is made of: a version, and the repository that is locked meanwhile. */
export interface PublicationBase {
  readonly version: string;
  readonly repository: string;
}

/**
 * The version to publish: the one given, or the latest of the repository.
 *
 * @throws `ValidationError` with the texts of core-rest §8.7.
 */
export async function publicationBase(run: Run, values: Values): Promise<PublicationBase> {
  const { repository, repository_version: version, checkpoint } = values;
  if (!repository && !version) throw objectError(EITHER);
  if (repository && version) throw objectError(`${EITHER} but not both.`);
  if (checkpoint && version) throw objectError("'checkpoint' may only be used with 'repository'");
  const where = version ? sql`v.id = ${version}` : sql`r.id = ${repository}`;
  const { rows } = await sql<PublicationBase>`
    select v.id as version, r.id as repository from repository r
    join repository_version v on v.repository = r.num
    where ${where} and v.complete order by v.number desc limit 1`.execute(run.ctx.db);
  const [base] = rows;
  if (!base) throw objectError(EITHER);
  return base;
}

export interface PublicationOptions {
  readonly path: string;
  readonly label: string;
  readonly model: string;
  readonly type: string;
  readonly title: string;
  readonly detail?: string;
  /** Keys of the plugin's own table. */
  readonly fields: Fields;
  /** Task that publishes; its input is the version's id and the values of `fields`. */
  readonly publish: TaskDefinition;
  readonly hasCheckpoints: boolean;
  /** Input of the task from the request. */
  input(base: PublicationBase, values: Values): Json;
}

/** A publication of one type: made by a task, deleted at once. */
export const publicationResource = (options: PublicationOptions): Resource => {
  const { type, publish, hasCheckpoints, input, detail: _, fields: _own, ...names } = options;
  const { join, fields } = detailOf(options);
  return defineResource({
    ...names,
    actions: roleActions(`${options.label}.${options.model}`.toLowerCase()),
    family: "publication",
    key: "uuid",
    source: {
      from: `publication e${join}`,
      where: `e.type = '${type}' and e.complete`,
      hidesObjects: true,
    },
    fields: {
      ...publicationFields,
      distributions: distributionsField,
      ...fields,
      ...(hasCheckpoints ? { checkpoint: checkpointField } : {}),
    },
    filters: publicationFilters,
    orderings: publicationOrderings,
    operations: {
      list: true,
      read: true,
      create: {
        mode: "task",
        async run(call, values) {
          const base = await publicationBase(call, values);
          const { model } = call.ctx.plugins.entity("repository", type);
          const { id } = await dispatch(call.ctx, {
            task: publish,
            input: input(base, values),
            caller: call.caller,
            shared: [prn(model, base.repository)],
          });
          return { kind: "task", task: id };
        },
      },
      delete: {
        mode: "sync",
        apply: ({ ctx, caller }, row) => deletePublication(ctx, caller.domain, String(row.$key)),
      },
    },
  });
};

/** Only those that name the publication explicitly. */
const distributionsField: Field = {
  ...list({ type: "string", format: "uri" }, { readOnly: true }),
  sql: `(select coalesce(jsonb_agg(jsonb_build_object('id', x.id, 'type', x.type)), '[]')
    from distribution x where x.publication = e.id)`,
  read: (row, view) =>
    (row.distributions as { id: string; type: string }[]).map(({ id, type }) =>
      entityHref(view, "distribution", type, id),
    ),
};
