import { sql } from "kysely";
import { ALGORITHMS } from "#base/digests.ts";
import type { HotStatement } from "#platform/db/hot.ts";
import type { Run } from "../../kit/call.ts";
import { labels, link, object, text } from "../../kit/fields.ts";
import { type Filter, FilterProblem, type Filters } from "../../kit/filters/filter.ts";
import { labelSelect } from "../../kit/filters/label-select.ts";
import { defineResource, type Fields, type Resource } from "../../kit/resource.ts";
import { entityHref, href } from "../../kit/view.ts";
import { ofKnownTypes, typeFilters } from "./common.ts";
import { inVersion, versionOf } from "./version-reference.ts";
import { ofRepositories } from "./visibility.ts";

/** Minutes without use, of things that nothing refers to (core-rest §3.5). */
export const orphanedFor = (isUsed: string): Filter => ({
  schema: { type: "number" },
  condition: (value, { ctx }) => {
    const minutes = Number(value);
    if (!Number.isFinite(minutes) || Math.abs(minutes) > 1e9)
      throw new FilterProblem("Enter a number.");
    const age = minutes < 0 ? ctx.settings.ORPHAN_PROTECTION_TIME : minutes;
    return sql`e.touched < clock_timestamp() - ${age} * interval '1 minute' and not (${sql.raw(isUsed)})`;
  },
});

/** Filters of every content list. */
export const contentFilters: Filters = {
  repository_version: inVersion("e.id", "present"),
  repository_version_added: inVersion("e.id", "added"),
  repository_version_removed: inVersion("e.id", "removed"),
  orphaned_for: orphanedFor(
    "exists (select from membership m where m.domain = e.domain and m.content = e.id)",
  ),
  pulp_label_select: labelSelect(),
};

export const contentOrderings = {
  pulp_id: "e.id",
  pulp_created: "e.created",
  pulp_last_updated: "e.updated",
  pulp_type: "e.type",
  pulp_labels: "e.labels",
  timestamp_of_interest: "e.touched",
  upstream_id: "e.natural_key",
} as const;

/** Keys that every unit has. */
export const contentFields: Fields = {
  pulp_labels: labels,
  vuln_report: link({
    mayBeNull: true,
    sql: `(select v.id from vulnerability_report v
      where v.domain = e.domain and v.content = e.id)`,
    read: ({ vuln_report: id }, view) => (id ? href(view, `vuln_report/${id}/`) : null),
  }),
};

const artifactHref = (id: unknown): string => `artifacts/${id}/`;

/** The one file of a unit: its artifact and all digests, known or announced by a remote. */
export const singleArtifactFields: Fields = {
  artifact: {
    ...link({ readOnly: false, mayBeNull: true, sql: "a.id" }),
    read: (row, view) => (row.artifact ? href(view, artifactHref(row.artifact)) : null),
  },
};

/** Digests of the one file; the unit's own sha256 stands in until the file is here. */
export const digestFields = (knownSha256: string): Fields =>
  Object.fromEntries(
    ALGORITHMS.map((name) => {
      const column = name === "sha256" ? `coalesce(a.sha256, ${knownSha256})` : `g.${name}`;
      return [name, text({ readOnly: true, mayBeNull: true, sql: `encode(${column}, 'hex')` })];
    }),
  );

/** Joins the one file of a unit `e`. */
export const SINGLE_ARTIFACT =
  "left join content_artifact ca on ca.content = e.id left join artifact a on a.domain = ca.domain and a.id = ca.artifact " +
  "left join artifact_digest g on g.domain = a.domain and g.artifact = a.id";

/** Count of units of a type from what is stored: all of the domain, or those of one version. */
export const countUnits =
  (type: string): NonNullable<Resource["count"]> =>
  async (run, query) => {
    const names = [...query.keys()].filter((name) => !PAGING.has(name));
    if (names.some((name) => name !== "repository_version")) return undefined;
    const value = query.get("repository_version");
    const stored = value === null ? unitsOfDomain(run, type) : unitsOfVersion(run, type, value);
    return (await stored) ?? 0;
  };

const domainCount: HotStatement<{ readonly n: number }> = {
  name: "units of domain",
  text: "select n from content_count where domain = $1 and type = $2",
};

async function unitsOfDomain({ ctx, caller }: Run, type: string): Promise<number | undefined> {
  const values = [caller.domain.num, ctx.plugins.contentTypeNum(type)];
  const [row] = await ctx.hot.query(domainCount, values);
  return row?.n;
}

async function unitsOfVersion(run: Run, type: string, value: string): Promise<number | undefined> {
  const { counts } = await versionOf(value, run);
  return counts.present?.[type];
}

const PAGING = new Set(["limit", "offset", "ordering", "fields", "exclude_fields", "format"]);

/** `content/`: units of every type of the domain. */
export const allContent = (types: readonly string[], described: readonly string[]): Resource =>
  defineResource({
    path: "content",
    label: "core",
    model: "Content",
    schema: "MultipleArtifactContent",
    family: "content",
    title: "content",
    key: "uuid",
    source: {
      from: "content e join content_type t on t.num = e.type",
      where: ofKnownTypes(types, "t.name"),
    },
    fields: {
      ...contentFields,
      artifacts: {
        ...object({ required: true }),
        sql: "(select jsonb_object_agg(ca.relative_path, ca.artifact) from content_artifact ca where ca.content = e.id)",
        read: (row, view) =>
          Object.fromEntries(
            Object.entries((row.artifacts ?? {}) as Record<string, string | null>).map(
              ([path, id]) => [path, id === null ? null : href(view, artifactHref(id))],
            ),
          ),
      },
    },
    address: (row, view) => entityHref(view, "content", String(row.$type), String(row.$key)),
    rowModel: (row, view) => view.ctx.plugins.entity("content", String(row.$type)).model,
    addressColumns: { $type: "t.name" },
    filters: { ...contentFilters, ...typeFilters(types, "t.name", described) },
    orderings: {},
    visibility: ofRepositories,
    operations: { list: true },
  });
