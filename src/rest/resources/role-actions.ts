import { ValidationError } from "#base/errors.ts";
import { addObjectRole, removeObjectRole } from "#core/access/commands.ts";
import { objectPermissions, objectRoles } from "#core/access/queries.ts";
import type { RoleGrant, RoleObject } from "#core/access/types.ts";
import type { Call } from "../kit/call.ts";
import { keyOf } from "../kit/present.ts";
import type { Action, Body, Row, Values } from "../kit/resource.ts";
import { roleObjectOf } from "../kit/role-object.ts";
import { nestedRole } from "./schemas.ts";

export interface RoleActionOptions {
  /** Request schema that the description names where it is not `NestedRole`. */
  readonly schema?: string;
  /** Roles that only the service gives and takes: name → text of the refusal. */
  readonly fixed?: Readonly<Record<string, string>>;
}

/**
 * `list_roles`, `add_role`, `remove_role` and `my_permissions` on objects (core-rest §7.4).
 *
 * @param model component and model: `file.FileRepository`.
 */
export function roleActions(
  model: string,
  { schema = "NestedRole", fixed = {} }: RoleActionOptions = {},
): readonly Action[] {
  const objectOf = (call: Call, row: Row): RoleObject => {
    const resource = call.view.api.byModel(model.toLowerCase());
    if (!resource) throw new Error(`Nothing serves ${model}.`);
    return roleObjectOf(resource, call, keyOf(row));
  };
  const body: Body = { schema, fields: nestedRole, isLenient: true };
  const change = (name: string, command: typeof addObjectRole): Action => ({
    name,
    method: "POST",
    on: "object",
    body,
    answers: { 201: "NestedRoleResponse" },
    async run(call, values, row) {
      const grant = grantOf(values);
      const refusal = Object.hasOwn(fixed, grant.role) ? fixed[grant.role] : undefined;
      if (refusal !== undefined) throw new ValidationError([refusal]);
      await command(call.ctx, objectOf(call, row), grant);
      return { kind: "json", status: 201, body: { ...grant } };
    },
  });
  return [
    {
      name: "list_roles",
      method: "GET",
      on: "object",
      answers: { 200: "ObjectRolesResponse" },
      async run(call, _values, row) {
        const roles = await objectRoles(call.ctx.db, objectOf(call, row));
        return { kind: "json", status: 200, body: { roles: roles.map((role) => ({ ...role })) } };
      },
    },
    change("add_role", addObjectRole),
    change("remove_role", removeObjectRole),
    {
      name: "my_permissions",
      method: "GET",
      on: "object",
      answers: { 200: "MyPermissionsResponse" },
      async run(call, _values, row) {
        const user = call.caller.user?.id ?? 0;
        const permissions = await objectPermissions(call.ctx, user, objectOf(call, row));
        return { kind: "json", status: 200, body: { permissions } };
      },
    },
  ];
}

const grantOf = ({ role, users, groups }: Values): RoleGrant => ({
  role: String(role),
  users: users as readonly string[],
  groups: groups as readonly string[],
});
