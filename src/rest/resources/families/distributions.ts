import { sql } from "kysely";
import { objectError, ValidationError } from "#base/errors.ts";
import { encodePath, isRelativePath, pathPrefixes } from "#base/paths.ts";
import { pdrn, prn } from "#base/prn.ts";
import type { Trx } from "#core/ctx.ts";
import { insertDetail, updateDetail } from "#core/detail.ts";
import {
  announceAfterCommit,
  createDistribution,
  deleteDistribution,
  updateDistribution,
} from "#core/distributions/commands.ts";
import type { DistributionPatch, NewDistribution } from "#core/distributions/types.ts";
import { inTransaction } from "#core/transaction.ts";
import type { Run } from "../../kit/call.ts";
import { boolean, labels, relation, text } from "../../kit/fields.ts";
import type { Filter, Filters } from "../../kit/filters/filter.ts";
import { labelSelect } from "../../kit/filters/label-select.ts";
import { booleanFilter, textFilters } from "../../kit/filters/lookups.ts";
import {
  type Action,
  type Create,
  type Delete,
  defineResource,
  FieldProblem,
  type Fields,
  type Resource,
  type Row,
  type Update,
  type Values,
} from "../../kit/resource.ts";
import { entityHref, type View } from "../../kit/view.ts";
import type { Visibility } from "../../kit/visibility.ts";
import {
  contentKey,
  type Detail,
  type DetailOptions,
  detailOf,
  entityActions,
  entityOrderings,
  nameFilters,
  ofKnownTypes,
  relationFilter,
  relationInFilter,
  typeFilters,
} from "./common.ts";
import { ofFamily } from "./visibility.ts";

/** `base_path`: canonical, and fit for a URL without encoding (core-rest §8.8). */
function checkBasePath(value: string): string {
  if (/\s/.test(value)) throw new FieldProblem("Relative path cannot contain spaces.");
  if (/^\/|\/$/.test(value)) {
    throw new FieldProblem("Relative path cannot begin or end with slashes.");
  }
  if (!isRelativePath(value) || /[?#]/.test(value)) {
    throw new FieldProblem(`Relative path is not in canonical form. ${value}`);
  }
  return value;
}

/** Address at which the content app serves a base path. */
function baseUrl({ ctx: { settings }, domainEnabled, domain }: View, basePath: string): string {
  const prefix = `${settings.CONTENT_ORIGIN ?? ""}${settings.CONTENT_PATH_PREFIX}`;
  return `${prefix}${domainEnabled ? `${domain}/` : ""}${encodePath(basePath)}/`;
}

const baseUrlField = (address: typeof baseUrl = baseUrl): Fields => ({
  base_url: {
    ...text({ readOnly: true, sql: "e.base_path" }),
    read: (row, view) => address(view, String(row.base_url)),
  },
});

/** Keys that every distribution has, in the order of the wire. */
export const distributionFields: Fields = {
  base_path: text({ required: true, check: checkBasePath }),
  ...baseUrlField(),
  content_guard: relation(
    "content_guard",
    { to: "content_guard" },
    { nullable: true, column: "e.guard" },
  ),
  no_content_change_since: text({
    readOnly: true,
    mayBeNull: true,
    sql: "case when e.publication is not null then e.updated end",
  }),
  hidden: boolean({ default: false }),
  pulp_labels: labels,
  name: text({ required: true }),
  repository: relation("repository", { to: "repository" }, { nullable: true }),
};

/** Keys of types whose publications decide what is served. */
export const publishedFields: Fields = {
  repository_version: relation(
    "repository_version",
    { to: "repository_version" },
    { nullable: true, column: "e.version" },
  ),
  publication: relation("publication", { to: "publication" }, { nullable: true }),
  checkpoint: boolean(),
};

const withContent: Filter = {
  schema: { type: "string" },
  takesEmpty: true,
  condition: (value, { view }) => {
    const id = contentKey(value, view);
    return sql`exists (
      select from repository_version v join membership m on m.repository = v.repository
        and m.added <= v.number and m.removed > v.number
      where m.domain = e.domain and m.content = ${id}::uuid and v.complete and v.id = coalesce(
        e.version,
        (select p.version from publication p where p.id = e.publication),
        (select p.version from publication p join repository_version w on w.id = p.version
          join repository r on r.num = w.repository
          where r.id = e.repository and p.complete order by w.number desc, p.created desc limit 1),
        (select w.id from repository_version w join repository r on r.num = w.repository
          where r.id = e.repository and w.complete
            and not exists (select from publication p where p.type = r.type) order by w.number desc limit 1)))`;
  },
};

export const distributionFilters: Filters = {
  ...nameFilters,
  ...textFilters("base_path", "e.base_path::text", ["exact", "contains", "icontains", "in"]),
  ...booleanFilter("checkpoint", "e.checkpoint"),
  repository: relationFilter("repository", "e.repository", "repository"),
  repository__in: relationInFilter("repository", "e.repository", "repository"),
  pulp_label_select: labelSelect(),
  with_content: withContent,
};

export const distributionOrderings = {
  ...entityOrderings,
  base_path: "e.base_path",
  checkpoint: "e.checkpoint",
  hidden: "e.hidden",
  name: "e.name",
  pulp_labels: "e.labels",
} as const;

const SOURCES = [
  ["publication", "repository"],
  ["publication", "repository_version"],
  ["repository", "repository_version"],
] as const;

/** At most one source, and a checkpoint needs a repository (core-rest §8.8). */
export function checkSources(values: Values): void {
  for (const [one, other] of SOURCES) {
    if (values[one] && values[other]) {
      throw objectError(
        `Only one of the attributes '${one}' and '${other}' may be used simultaneously.`,
      );
    }
  }
  if (
    values.checkpoint &&
    (!values.repository || values.publication || values.repository_version)
  ) {
    throw objectError(
      "The 'checkpoint' attribute may only be used with the 'repository' attribute.",
    );
  }
}

/** `distributions/`: all types of the domain. */
export const allDistributions = (types: readonly string[]): Resource =>
  defineResource({
    path: "distributions",
    label: "core",
    model: "Distribution",
    family: "distribution",
    title: "distribution",
    key: "uuid",
    source: { from: "distribution e", where: ofKnownTypes(types) },
    fields: distributionFields,
    address: (row, view) => entityHref(view, "distribution", String(row.$type), String(row.$key)),
    rowModel: (row, view) => view.ctx.plugins.entity("distribution", String(row.$type)).model,
    addressColumns: { $type: "e.type" },
    filters: { ...distributionFilters, ...typeFilters(types) },
    orderings: distributionOrderings,
    visibility: ofFamily("distribution"),
    operations: { list: true },
  });

export interface DistributionOptions extends Pick<DetailOptions, "detail"> {
  readonly path: string;
  readonly label: string;
  readonly model: string;
  readonly type: string;
  readonly title: string;
  /** Keys on top of those of every distribution, columns of `distribution`. */
  readonly fields: Fields;
  /** Keys and columns of the table `detail`. */
  readonly detailFields?: Fields;
  /** Where clients are sent; without it the content app, null shows no address. */
  readonly baseUrl?: ((view: View, basePath: string) => string) | null;
  /** On top of those that every distribution has. */
  readonly filters?: Filters;
  readonly orderings?: Readonly<Record<string, string>>;
  /** On top of labels and roles. */
  readonly actions?: readonly Action[];
  /** Paths may lie below one another. */
  readonly mayNest?: true;
  /** Which distributions somebody sees, where the permission on them does not say. */
  readonly visibility?: Visibility;
  /** Rules of the type over the whole object; throws `ValidationError`. */
  check?(run: Run, values: Values, self?: string): Promise<void> | void;
  /** Values beyond those of the request, worked out in the transaction that writes them. */
  complete?(
    run: Run,
    trx: Trx,
    given: { readonly values: Values; readonly isNew: boolean },
  ): Promise<Values>;
  /** Writes what is no column of it, in the transaction that writes them. */
  attach?(trx: Trx, id: string, values: Values): Promise<void>;
  /** What deletes it, where that is more than its row. */
  readonly delete?: Delete;
}

/** A distribution of one type: creation, change and deletion are tasks that usually run at once. */
export const distributionResource = (options: DistributionOptions): Resource => {
  const { type, fields, label, model, path, title, detail: table, detailFields = {} } = options;
  const detail = detailOf({ ...(table ? { detail: table } : {}), fields: detailFields });
  const { base_url: _, ...withoutAddress } = distributionFields;
  const lock = (row: Row): string => prn(`${label}.${model}`, String(row.$key));
  return defineResource({
    ...{ label, model, path, title },
    actions: [
      ...(options.actions ?? []),
      ...entityActions(options, "distribution", { isDescribedAs200: true }),
    ],
    family: "distribution",
    key: "uuid",
    source: { from: `distribution e${detail.join}`, where: `e.type = '${type}'` },
    fields: {
      ...(options.baseUrl === null
        ? withoutAddress
        : { ...distributionFields, ...baseUrlField(options.baseUrl) }),
      ...fields,
      ...detail.fields,
    },
    filters: { ...distributionFilters, ...options.filters },
    orderings: { ...distributionOrderings, ...options.orderings },
    ...(options.visibility ? { visibility: options.visibility } : {}),
    operations: {
      list: true,
      read: true,
      create: createOperation(options, detail),
      update: updateOperation(options, lock, detail),
      delete: options.delete ?? {
        mode: "task",
        locks: ({ caller }, row) => ({
          exclusive: [lock(row)],
          shared: [pdrn(caller.domain.id, "distributions")],
        }),
        apply: ({ ctx, caller }, row) =>
          deleteDistribution(ctx, { domain: caller.domain, id: String(row.$key), by: caller }),
      },
    },
  });
};

const createOperation = (
  { type, mayNest, check, complete, attach }: DistributionOptions,
  { table, columnsOf }: Detail,
): Create => ({
  mode: "task",
  check: async (run, values) => {
    checkSources(values);
    await check?.(run, values);
    await checkFree(run, values, { mayNest });
  },
  locks: ({ caller }) => ({
    exclusive: [pdrn(caller.domain.id, "distribution.base_path")],
    shared: [pdrn(caller.domain.id, "distributions")],
  }),
  async apply(run, given, made) {
    const { ctx, caller } = run;
    const { domain } = caller;
    const id = await inTransaction(ctx, undefined, async (trx) => {
      const values = { ...given, ...(await complete?.(run, trx, { values: given, isNew: true })) };
      const columns = toDistribution(values) as NewDistribution;
      const input = { ...columns, domain, type, by: caller, ...(mayNest ? { mayNest } : {}) };
      const id = await createDistribution(ctx, input, trx);
      if (table) await insertDetail(trx, table, { id, domain: domain.num, ...columnsOf(values) });
      await attach?.(trx, id, values);
      await made(trx, id);
      return id;
    });
    announceAfterCommit(ctx, domain, [id]);
    return id;
  },
});

const updateOperation = (
  { mayNest, check, complete, attach }: DistributionOptions,
  lock: (row: Row) => string,
  { table, columnsOf }: Detail,
): Update => ({
  mode: "task",
  check: async (run, values, row) => {
    checkSources({ ...row, ...values });
    await check?.(run, { ...row, ...values }, String(row.$key));
    await checkFree(run, values, { mayNest, self: String(row.$key) });
  },
  locks: ({ caller }, row, changes) => ({
    exclusive: [
      lock(row),
      ...("base_path" in changes ? [pdrn(caller.domain.id, "distribution.base_path")] : []),
    ],
    shared: [pdrn(caller.domain.id, "distributions")],
  }),
  async apply(run, row, given) {
    const { ctx, caller } = run;
    const { domain } = caller;
    const id = String(row.$key);
    await inTransaction(ctx, undefined, async (trx) => {
      const changes = {
        ...given,
        ...(await complete?.(run, trx, { values: given, isNew: false })),
      };
      if (table) await updateDetail(trx, table, { id, values: columnsOf(changes) });
      const patch = toDistribution(changes);
      await updateDistribution(ctx, { domain, id, patch, by: caller }, trx);
      await attach?.(trx, id, changes);
    });
    announceAfterCommit(ctx, domain, [id]);
  },
});

interface Placement {
  readonly self?: string;
  readonly mayNest: true | undefined;
}

/** Before the 202: name and base path are free, as far as one can see now. */
async function checkFree(
  { ctx, caller }: Run,
  { name, base_path: path }: Values,
  { self, mayNest }: Placement,
): Promise<void> {
  const { rows } = await sql<{ name: string; base_path: string }>`
    select name, base_path from distribution
    where domain = ${caller.domain.num} and id is distinct from ${self ?? null}::uuid
      and (name = ${name ?? null} or ${takesPlace(path, mayNest)})
    limit 2`.execute(ctx.db);
  const problems: Record<string, string[]> = {};
  for (const row of rows) {
    if (row.name === name) problems.name = ["This field must be unique."];
    const problem = typeof path === "string" ? pathProblem(path, row, mayNest) : undefined;
    if (problem !== undefined) problems.base_path = [problem];
  }
  if (Object.keys(problems).length > 0) throw new ValidationError(problems);
}

/** Rows that have the path; where paths may not nest also those above and below it. */
function takesPlace(path: unknown, mayNest: true | undefined) {
  if (typeof path !== "string") return sql`false`;
  if (mayNest) return sql`base_path = ${path}`;
  return sql`base_path = any(${pathPrefixes(path)}::text[])
    or (base_path >= ${`${path}/`} collate "C" and base_path < ${`${path}0`} collate "C")`;
}

function pathProblem(
  path: string,
  other: { readonly name: string; readonly base_path: string },
  mayNest: true | undefined,
): string | undefined {
  if (other.base_path === path) return "This field must be unique.";
  const isNested = other.base_path.startsWith(`${path}/`) || path.startsWith(`${other.base_path}/`);
  return isNested && !mayNest ? `Overlaps with existing distribution '${other.name}'` : undefined;
}

const COLUMNS = {
  name: "name",
  base_path: "basePath",
  content_guard: "guard",
  hidden: "hidden",
  pulp_labels: "labels",
  repository: "repository",
  repository_version: "version",
  publication: "publication",
  checkpoint: "checkpoint",
  remote: "remote",
} as const;

function toDistribution(values: Values): DistributionPatch {
  const given = Object.entries(COLUMNS).filter(([wire]) => wire in values);
  return Object.fromEntries(given.map(([wire, name]) => [name, values[wire]])) as DistributionPatch;
}
