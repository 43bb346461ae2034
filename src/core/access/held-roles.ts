import { sql } from "kysely";
import { fieldError, objectError } from "#base/errors.ts";
import { uuid7 } from "#base/uuid7.ts";
import type { Ctx } from "../ctx.ts";
import { domainPermissions, modelPermissions } from "./locked-roles.ts";
import type { NewAssignment } from "./types.ts";
import { announceUserChange } from "./user-changes.ts";

interface FoundRole {
  readonly num: number;
  readonly fits: boolean;
}

/**
 * Gives a role to a user or group; returns the id of the assignment.
 *
 * @throws `ValidationError` with the texts of core-rest §7.5: there is no such role, it says nothing
 *   about such an object, or it is given already.
 */
export async function giveRole(ctx: Ctx, assignment: NewAssignment): Promise<string> {
  const role = await fittingRole(ctx, assignment);
  const { subject, object } = assignment;
  const id = uuid7();
  const isGroup = subject < 0;
  const table = sql.table(isGroup ? "app_group" : "app_user");
  // The subject is held until the commit, so that nothing is left of one that goes meanwhile.
  const { rows } = await sql`
    with subject as (select id from ${table} where id = ${Math.abs(subject)} for key share)
    insert into role_assignment (id, subject, role, kind, domain, object)
    select ${id}::uuid, ${subject}::int, ${role.num}::int,
      (select num from object_kind where name = ${object?.model ?? null}),
      ${object?.domain ?? assignment.domain ?? null}::int, ${object?.id ?? null}::uuid
    from subject on conflict do nothing returning id`.execute(ctx.db);
  if (rows.length === 0) {
    throw objectError(`The role is already assigned to this ${isGroup ? "group" : "user"}.`);
  }
  announceUserChange(ctx, subject);
  return id;
}

async function fittingRole(
  { db, plugins }: Ctx,
  { role: name, object, domain }: NewAssignment,
): Promise<FoundRole> {
  const wanted = object ? modelPermissions(plugins, object.model) : domainPermissions(plugins);
  const isEverywhere = !object && domain === undefined;
  const { rows } = await sql<FoundRole>`
    select r.num, ${isEverywhere} or exists (select from role_permission p
      where p.role = r.num and p.permission = any(${wanted}::text[])) as fits
    from role r where r.name = ${name}`.execute(db);
  const [role] = rows;
  if (!role) throw fieldError("role", `Object with name=${name} does not exist.`);
  if (role.fits) return role;
  throw objectError(
    object
      ? `The role '${name}' does not carry any permission for that object.`
      : `The role '${name}' does not carry any permission on an object with a domain`,
  );
}

/** Takes one role away. */
export async function takeRole(ctx: Ctx, id: string): Promise<void> {
  await ctx.db.deleteFrom("role_assignment").where("id", "=", id).execute();
  announceUserChange(ctx);
}
