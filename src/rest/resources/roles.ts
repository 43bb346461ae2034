import { type RawBuilder, sql } from "kysely";
import { createRole, deleteRole, updateRole } from "#core/access/commands.ts";
import { accessErrors } from "#core/access/errors.ts";
import { modelPermissions } from "#core/access/queries.ts";
import type { RoleValues } from "#core/access/types.ts";
import { parseListHref } from "../kit/address.ts";
import { modelKey } from "../kit/api-index.ts";
import { boolean, list, text } from "../kit/fields.ts";
import { type Filter, FilterProblem } from "../kit/filters/filter.ts";
import { booleanFilter, NAME, textFilters } from "../kit/filters/lookups.ts";
import { keyOf } from "../kit/present.ts";
import { defineResource, type Row, type Values } from "../kit/resource.ts";

const having = (condition: RawBuilder<unknown>) =>
  sql`exists (select from role_permission p where p.role = e.num and ${condition})`;

/** With the component, or without: `core.view_task`, `view_task`. */
const containsPermission: Filter = {
  schema: { type: "array", items: { type: "string" } },
  isRepeatable: true,
  description: "Filter roles that have any of the permissions",
  condition: (value) =>
    having(
      value.includes(".")
        ? sql`p.permission = ${value}`
        : sql`split_part(p.permission, '.', 2) = ${value}`,
    ),
};

/** Roles that say something about objects of one type, and nothing about others. */
const forObjectType: Filter = {
  schema: { type: "string" },
  description: "Filter roles that only have permissions for the type with this address",
  condition: (value, { view, ctx }) => {
    const resource = parseListHref(value, view);
    if (!resource) {
      throw new FilterProblem(`URI couldn't be resolved: ${value}`, { isBare: true });
    }
    const permissions = modelPermissions(ctx.plugins, modelKey(resource));
    const isOne = sql`p.permission = any(${permissions}::text[])`;
    return sql`(${having(isOne)} and not ${having(sql`not ${isOne}`)})`;
  },
};

function refuseLocked({ locked }: Row): void {
  if (locked) throw accessErrors.locked();
}

const columns = (values: Values): RoleValues => values as RoleValues;

/** `roles/` (core-rest §7.5). */
export const role = defineResource({
  path: "roles",
  label: "core",
  model: "Role",
  title: "role",
  key: "uuid",
  source: { from: "role e", domain: null },
  fields: {
    name: text({ required: true }),
    description: text({ nullable: true }),
    permissions: {
      ...list({ type: "string" }, { required: true, blank: true }),
      sql: `(select coalesce(jsonb_agg(p.permission order by p.permission), '[]')
        from role_permission p where p.role = e.num)`,
      check: (value: readonly string[]) => [...new Set(value)].sort(),
    },
    locked: boolean({ readOnly: true }),
  },
  filters: {
    ...textFilters("name", "e.name", NAME),
    ...textFilters("description", "e.description", ["exact", "iexact", "contains", "icontains"]),
    ...booleanFilter("locked", "e.locked"),
    contains_permission: containsPermission,
    for_object_type: forObjectType,
  },
  orderings: {
    description: "e.description",
    locked: "e.locked",
    name: "e.name",
    pulp_created: "e.created",
    pulp_id: "e.id",
    pulp_last_updated: "e.updated",
  },
  operations: {
    list: true,
    read: true,
    create: {
      mode: "sync",
      apply: ({ ctx }, { name, ...values }) =>
        createRole(ctx, { ...columns(values), name: String(name) }),
    },
    update: {
      mode: "sync",
      check: (_run, _values, row) => refuseLocked(row),
      apply: ({ ctx }, row, changes) => updateRole(ctx, String(keyOf(row)), columns(changes)),
    },
    delete: {
      mode: "sync",
      check: (_run, row) => refuseLocked(row),
      apply: ({ ctx }, row) => deleteRole(ctx, String(keyOf(row))),
    },
  },
});
