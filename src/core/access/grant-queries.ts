import { sql } from "kysely";
import { prn } from "#base/prn.ts";
import type { Executor } from "../ctx.ts";

/** A role that somebody has, and where. */
export interface Grant {
  readonly kind: "user" | "group";
  /** Of the user or group. */
  readonly name: string;
  readonly role: string;
  readonly level: "model" | "domain" | "object";
  /** Name of the domain; null at model level. */
  readonly domain: string | null;
  /** PRN; null above object level. */
  readonly object: string | null;
  /** What the role allows. */
  readonly permissions: readonly string[];
}

interface GrantRow extends Omit<Grant, "level" | "object"> {
  readonly object: string | null;
  readonly model: string | null;
}

/** Every role that users and groups have, by their names. */
export async function allGrants(db: Executor): Promise<readonly Grant[]> {
  const { rows } = await sql<GrantRow>`
    select case when u.id is null then 'group' else 'user' end as kind,
      coalesce(u.username, g.name) as name, r.name as role, d.name as domain, a.object,
      k.name as model, array(select p.permission from role_permission p where p.role = r.num
        order by p.permission) as permissions
    from role_assignment a join role r on r.num = a.role
    left join app_user u on u.id = a.subject left join app_group g on g.id = -a.subject
    left join domain d on d.num = a.domain left join object_kind k on k.num = a.kind
    where u.id is not null or g.id is not null
    order by kind, name, role, domain, object`.execute(db);
  return rows.map(({ model, object, ...row }) => ({
    ...row,
    level: object ? "object" : row.domain === null ? "model" : "domain",
    object: object ? prn(model ?? "", object) : null,
  }));
}
