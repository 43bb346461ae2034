import { ValidationError } from "#base/errors.ts";
import {
  addMember,
  createGroup,
  deleteGroup,
  removeMember,
  renameGroup,
} from "#core/access/commands.ts";
import { integer, text } from "../kit/fields.ts";
import { integerFilters, textFilters } from "../kit/filters/lookups.ts";
import { keyOf } from "../kit/present.ts";
import { type Action, defineResource, type Resource, type Values } from "../kit/resource.ts";
import { restErrors } from "../kit/rest-errors.ts";
import { globalHref } from "../kit/view.ts";
import { roleActions } from "./role-actions.ts";

/** `groups/` (core-rest §7.5). */
export const group: Resource = defineResource({
  path: "groups",
  label: "core",
  model: "Group",
  title: "group",
  key: "int",
  common: ["pulp_href", "prn"],
  source: { from: "app_group e", domain: null, created: null },
  fields: {
    name: text({ required: true }, { maxLength: 150 }),
    id: integer({ readOnly: true }),
  },
  isLenient: true,
  isAlwaysWhole: true,
  filters: {
    ...integerFilters("id", "e.id", ["exact", "in"] as never),
    ...textFilters("name", "e.name", ["exact", "iexact", "in", "contains", "icontains"]),
  },
  orderings: { id: "e.id", name: "e.name" },
  operations: {
    list: true,
    read: true,
    create: {
      mode: "sync",
      apply: ({ ctx }, { name }, made) => createGroup(ctx, String(name), made),
    },
    update: {
      mode: "sync",
      apply: ({ ctx }, row, { name }) => renameGroup(ctx, Number(keyOf(row)), String(name)),
    },
    delete: { mode: "sync", apply: ({ ctx }, row) => deleteGroup(ctx, Number(keyOf(row))) },
  },
  actions: roleActions("core.group"),
});

/** The description asks for the name, the service for any of the three. */
const memberBody = {
  schema: "GroupUser",
  isLenient: true,
  fields: {
    username: text({ required: true, absent: () => undefined }, { maxLength: 150 }),
    id: integer({ nullable: true }),
    pk: integer({ nullable: true }),
  },
} as const;

async function add(
  ctx: Parameters<typeof addMember>[0],
  groupId: number,
  { username, id, pk }: Values,
): Promise<number> {
  const number = id ?? pk;
  if (username === undefined && typeof number !== "number") {
    throw new ValidationError([
      "Please provide one of the following values for User: 'pk', 'id', 'username'",
    ]);
  }
  const name = username === undefined ? { id: Number(number) } : { username: String(username) };
  const user = await addMember(ctx, groupId, name);
  if (user === undefined) throw new ValidationError([`Could not find user ${username ?? number}`]);
  return user;
}

/** Nothing is wrong with taking out who is no member. */
const remove: Action = {
  name: "delete",
  method: "DELETE",
  on: "object",
  path: "",
  permission: "destroy",
  answers: { 204: null },
  isBlind: true,
  async run({ ctx }, _values, row) {
    const areThere = await removeMember(ctx, Number(row.$parent), Number(keyOf(row)));
    if (!areThere) throw restErrors.notFound();
    return { kind: "empty", status: 204 };
  },
};

/** `groups/<id>/users/`: who is in a group. */
export const groupUser = defineResource({
  path: "users",
  parent: group,
  parameters: { parent: "group_pk", key: "id" },
  label: "core",
  model: "User",
  prnLabel: "auth",
  schema: "GroupUser",
  title: "member of a group",
  key: "int",
  common: ["pulp_href", "prn"],
  source: {
    from: "group_member e join app_user u on u.id = e.app_user",
    key: "u.id",
    unique: "e.ctid",
    domain: null,
    created: null,
    parent: "e.app_group",
  },
  address: (row, view) => globalHref(view, `users/${keyOf(row)}/`),
  fields: {
    username: text({ required: true, sql: "u.username" }, { maxLength: 150 }),
  },
  createBody: memberBody,
  operations: {
    list: true,
    create: {
      mode: "sync",
      async run({ ctx }, values, parent) {
        const user = await add(ctx, Number(keyOf(parent)), values);
        return { kind: "object", id: user, status: 201 };
      },
    },
  },
  actions: [remove],
});
