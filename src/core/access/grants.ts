import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import type { Executor } from "../ctx.ts";
import type { RoleObject } from "./types.ts";

/** Who gets what on a new object. */
export interface Grant {
  readonly object: RoleObject;
  /** Names; those of no role are passed over. */
  readonly roles: readonly string[];
  /** Ids. */
  readonly creators?: readonly number[];
  /** Names, as of `groups`. */
  readonly users?: readonly string[];
  readonly groups?: readonly string[];
}

/** Gives roles on a new object, with one statement; what somebody holds already stays. */
export async function grantRoles(db: Executor, grant: Grant): Promise<void> {
  const { object, roles, creators = [], users = [], groups = [] } = grant;
  const most = roles.length * (creators.length + users.length + groups.length);
  if (most === 0) return;
  const ids = Array.from({ length: most }, () => uuid7());
  await sql`
    insert into role_assignment (id, subject, role, kind, domain, object)
    select (${ids}::uuid[])[row_number() over ()], s.num, r.num, k.num, ${object.domain}, ${object.id}
    from (select id as num from app_user
        where id = any(${creators}::int[]) or username = any(${users}::text[])
      union select -id from app_group where name = any(${groups}::text[])) s,
      role r, object_kind k
    where r.name = any(${roles}::text[]) and k.name = ${object.model}
    on conflict do nothing`.execute(db);
}
