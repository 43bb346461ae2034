import { sql } from "kysely";
import type { Executor } from "../ctx.ts";
import { modelPermissions } from "./locked-roles.ts";
import type { RoleGrant, RoleObject } from "./types.ts";

/** Roles given on one object, and who holds them. */
export async function objectRoles(
  db: Executor,
  { model, id }: RoleObject,
): Promise<readonly RoleGrant[]> {
  const { rows } = await sql<RoleGrant>`
    select r.name as role,
      coalesce(array_agg(u.username order by u.username) filter (where u.id is not null), '{}') as users,
      coalesce(array_agg(g.name order by g.name) filter (where g.id is not null), '{}') as groups
    from role_assignment a join role r on r.num = a.role
    left join app_user u on u.id = a.subject left join app_group g on g.id = -a.subject
    where a.object = ${id} and a.kind = (select num from object_kind where name = ${model})
    group by r.name order by r.name`.execute(db);
  return rows;
}

/** Permissions that a user has on one object by roles given on it, directly or by a group. */
export async function objectPermissions(
  db: Executor,
  user: number,
  { model, id }: RoleObject,
): Promise<readonly string[]> {
  const { rows } = await sql<{ permission: string }>`
    select distinct p.permission from role_assignment a join role_permission p on p.role = a.role
    where a.object = ${id} and a.kind = (select num from object_kind where name = ${model})
      and (a.subject = ${user}
        or a.subject in (select -app_group from group_member where app_user = ${user}))
      and p.permission = any(${modelPermissions(model)}::text[])
    order by p.permission`.execute(db);
  return rows.map(({ permission }) => permission);
}
