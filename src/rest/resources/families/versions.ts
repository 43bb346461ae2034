import { sql } from "kysely";
import type { JsonObject } from "#base/json.ts";
import { prn } from "#base/prn.ts";
import type { CountByType, VersionCounts } from "#core/repositories/table.ts";
import { relation } from "../../kit/fields.ts";
import type { Filters } from "../../kit/filters/filter.ts";
import { DATETIME, datetimeFilters, integerFilters, NUMBER } from "../../kit/filters/lookups.ts";
import {
  type Action,
  type Delete,
  defineResource,
  type Fields,
  type Resource,
  type Row,
} from "../../kit/resource.ts";
import { href, type View, versionHref } from "../../kit/view.ts";
import { contentKey } from "./common.ts";
import { ofVersions } from "./visibility.ts";

const rowAddress = (row: Row, view: View): string =>
  versionHref(view, {
    type: String(row.$type),
    repository: String(row.$repository),
    number: Number(row.number),
  });

function summaryOf(
  counts: CountByType | undefined,
  { view, parameter, version }: { view: View; parameter: string; version: string },
): JsonObject {
  const entries = Object.entries(counts ?? {}).map(([type, count]) => {
    const list = href(view, `${view.ctx.plugins.entity("content", type).path}/`);
    return [type, { count, href: `${list}?${parameter}=${version}` }] as const;
  });
  return Object.fromEntries(entries);
}

/** `content_summary`: stored counts and where to list the units (core-rest §8.4). */
function contentSummary(row: Row, view: View): JsonObject {
  const counts = (row.content_summary ?? {}) as VersionCounts;
  const version = rowAddress(row, view);
  return {
    added: summaryOf(counts.added, { view, parameter: "repository_version_added", version }),
    removed: summaryOf(counts.removed, { view, parameter: "repository_version_removed", version }),
    present: summaryOf(counts.present, { view, parameter: "repository_version", version }),
  };
}

const versionFields: Fields = {
  number: { schema: { type: "integer", format: "int64" }, readOnly: true },
  repository: {
    ...relation("repository", { to: "repository" }, { column: "r.id" }),
    readOnly: true,
  },
  base_version: { ...relation("base_version", { to: "repository_version" }), mayBeNull: true },
  content_summary: {
    schema: { ref: "ContentSummaryResponse" },
    readOnly: true,
    sql: "e.counts",
    read: contentSummary,
  },
  vuln_report: {
    schema: { type: "string" },
    readOnly: true,
    sql: false,
    read: (row, view) =>
      href(view, `vuln_report/?repo_versions=${prn("core.RepositoryVersion", String(row.$prn))}`),
  },
};

const memberOf = (ids: readonly string[]) => sql`exists (
  select from membership m where m.repository = e.repository and m.content = any(${ids}::uuid[])
  and m.added <= e.number and m.removed > e.number)`;

const versionFilters: Filters = {
  ...integerFilters("number", "e.number", NUMBER),
  ...datetimeFilters("pulp_created", "e.created", DATETIME),
  content: {
    schema: { type: "string" },
    takesEmpty: true,
    condition: (value, { view }) => memberOf([contentKey(value, view)]),
  },
  content__in: {
    schema: { type: "array", items: { type: "string" } },
    isCsv: true,
    takesEmpty: true,
    condition: (value, { view }) => memberOf(value.split(",").map((one) => contentKey(one, view))),
  },
};

const orderings = {
  number: "e.number",
  complete: "e.complete",
  info: "e.info",
  content_ids: "e.counts",
  pulp_id: "e.id",
  pulp_created: "e.created",
  pulp_last_updated: "e.updated",
} as const;

const common = {
  label: "core",
  model: "RepositoryVersion",
  title: "repository version",
  fields: versionFields,
  address: rowAddress,
  addressColumns: { $prn: "e.id", $repository: "r.id", $type: "r.type" },
  filters: versionFilters,
  orderings,
} as const;

const FROM = "repository_version e join repository r on r.num = e.repository";

/** `repository_versions/`: complete versions of every visible repository of the domain. */
export const allVersions = defineResource({
  ...common,
  path: "repository_versions",
  key: "uuid",
  source: { from: FROM, where: "e.complete and not r.user_hidden" },
  visibility: ofVersions,
  operations: { list: true },
});

/** `<repository>/versions/` of a repository type. */
export const versionsOf = (
  parent: Resource,
  { remove, actions = [] }: { readonly remove: Delete; readonly actions?: readonly Action[] },
): Resource =>
  defineResource({
    ...common,
    path: "versions",
    parent,
    label: parent.label,
    prnLabel: "core",
    schema: "RepositoryVersion",
    parameters: { parent: "repository_pk", key: "number" },
    key: "number",
    source: { from: FROM, where: "e.complete", key: "e.number", unique: "e.id", parent: "r.id" },
    operations: { list: true, read: true, delete: remove },
    actions,
  });
