import { sql } from "kysely";
import type { Ctx, Executor } from "../ctx.ts";
import { modelPermissions } from "./locked-roles.ts";
import type { RoleGrant, RoleObject } from "./types.ts";

export { modelPermissions, roleModels } from "./locked-roles.ts";
export { namedUsers } from "./named-users.ts";
export { rightsBook } from "./rights.ts";
export { type ScopeQuestion, scopeAllows } from "./token-scope.ts";

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
  { db, plugins }: Pick<Ctx, "db" | "plugins">,
  user: number,
  { model, id }: RoleObject,
): Promise<readonly string[]> {
  const { rows } = await sql<{ permission: string }>`
    select distinct p.permission from role_assignment a join role_permission p on p.role = a.role
    where a.object = ${id} and a.kind = (select num from object_kind where name = ${model})
      and (a.subject = ${user}
        or a.subject in (select -app_group from group_member where app_user = ${user}))
      and p.permission = any(${modelPermissions(plugins, model)}::text[])
    order by p.permission`.execute(db);
  return rows.map(({ permission }) => permission);
}

/** What users may change of themselves. */
export interface OwnAccount {
  readonly username: string;
  readonly first_name: string;
  readonly last_name: string;
  readonly email: string;
}

export const ownAccount = (db: Executor, id: number): Promise<OwnAccount> =>
  db
    .selectFrom("app_user")
    .select(["username", "first_name", "last_name", "email"])
    .where("id", "=", id)
    .executeTakeFirstOrThrow();

const rightsById = {
  name: "rights of a user",
  text: `select u.password, u.is_superuser or exists (
      select from role_assignment a join role_permission p on p.role = a.role
      where p.permission = $2
        and (a.subject = u.id
          or a.subject in (select -m.app_group from group_member m where m.app_user = u.id))
        and (a.object = $3 and a.kind = (select k.num from object_kind k where k.name = $4)
          or a.object is null and (a.domain is null or a.domain = $5))) as has_permission
    from app_user u where u.id = $1 and u.is_active`,
};

export interface UserRights {
  /** The stored hash. */
  readonly password: string;
  readonly has_permission: boolean;
}

/**
 * Whether an active user has a permission on an object: as superuser, or by roles of the user or the
 * user's groups, given everywhere, in the object's domain or on the object (core-rest §7.1).
 *
 * @returns undefined if the user is not there or not active.
 */
export async function userRights(
  { hot, settings }: Pick<Ctx, "hot" | "settings">,
  user: number,
  { permission, object }: { readonly permission: string; readonly object: RoleObject },
): Promise<UserRights | undefined> {
  // Without domains, what was given in one of them does not count.
  const domain = settings.DOMAIN_ENABLED ? object.domain : null;
  const values = [user, permission, object.id, object.model, domain];
  const [rights] = await hot.query<UserRights>(rightsById, values);
  return rights;
}
