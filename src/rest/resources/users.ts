import { checkPassword, createUser, deleteUser, updateUser } from "#core/access/commands.ts";
import type { UserValues } from "#core/access/types.ts";
import { boolean, datetime, hiddenFields, integer, list, text } from "../kit/fields.ts";
import { booleanFilter, textFilters } from "../kit/filters/lookups.ts";
import { keyOf } from "../kit/present.ts";
import { defineResource, type Fields, type Values } from "../kit/resource.ts";
import { globalHref } from "../kit/view.ts";

const LOOKUPS = ["exact", "iexact", "in", "contains", "icontains"] as const;

/** Stands for a password that is set; equal to nothing that a client can send. */
const SET = Symbol("set");

interface Member {
  readonly id: number;
  readonly name: string;
}

const fields: Fields = {
  id: integer({ readOnly: true }),
  username: text({ required: true }, { maxLength: 150 }),
  // A PUT without it ends log-ins by password (core-rest §7.5).
  password: text({ nullable: true, writeOnly: true, verbatim: true, absent: () => null }),
  first_name: text({ blank: true }, { maxLength: 150 }),
  last_name: text({ blank: true }, { maxLength: 150 }),
  email: { schema: { type: "string", format: "email" }, blank: true },
  is_staff: boolean({ default: false }),
  is_active: boolean({ default: true }),
  date_joined: datetime({ readOnly: true }),
  groups: {
    ...list({ ref: "UserGroupResponse" }, { readOnly: true }),
    sql: `(select coalesce(jsonb_agg(jsonb_build_object('id', g.id, 'name', g.name) order by g.id), '[]')
      from group_member m join app_group g on g.id = m.app_group where m.app_user = e.id)`,
    columns: { password$isUsable: "not starts_with(e.password, '!')" },
    read: ({ groups }, view) =>
      (groups as readonly Member[]).map(({ id, name }) => ({
        name,
        pulp_href: globalHref(view, `groups/${id}/`),
        prn: `prn:core.group:${id}`,
      })),
  },
  hidden_fields: hiddenFields(["password"]),
};

const columns = (values: Values): UserValues => values as UserValues;

export const user = defineResource({
  path: "users",
  label: "core",
  model: "User",
  prnLabel: "auth",
  title: "user",
  key: "int",
  common: ["pulp_href", "prn"],
  source: { from: "app_user e", domain: null, created: null },
  fields,
  isLenient: true,
  isAlwaysWhole: true,
  filters: {
    ...textFilters("username", "e.username", LOOKUPS),
    ...textFilters("first_name", "e.first_name", LOOKUPS),
    ...textFilters("last_name", "e.last_name", LOOKUPS),
    ...textFilters("email", "e.email", LOOKUPS),
    ...booleanFilter("is_active", "e.is_active"),
    ...booleanFilter("is_staff", "e.is_staff"),
  },
  orderings: {
    date_joined: "e.date_joined",
    email: "e.email",
    first_name: "e.first_name",
    id: "e.id",
    is_active: "e.is_active",
    is_staff: "e.is_staff",
    is_superuser: "e.is_superuser",
    last_login: "e.last_login",
    last_name: "e.last_name",
    // Published, but the order of hashes is nobody's business.
    password: "(e.password is null)",
    username: "e.username",
  },
  operations: {
    list: true,
    read: true,
    create: {
      mode: "sync",
      check: (_run, { password }) => checkPassword(password as string | null),
      apply: ({ ctx }, { username, ...values }) =>
        createUser(ctx, { ...columns(values), username: String(username) }),
    },
    update: {
      mode: "sync",
      check: (_run, { password }) => checkPassword(password as string | null | undefined),
      current: (_run, row) => ({ password: row.password$isUsable ? SET : null }),
      apply: ({ ctx }, row, changes) => updateUser(ctx, Number(keyOf(row)), columns(changes)),
    },
    delete: {
      mode: "sync",
      apply: ({ ctx }, row) => deleteUser(ctx, Number(keyOf(row))),
    },
  },
});
