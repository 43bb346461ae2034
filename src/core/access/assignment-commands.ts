import { sql } from "kysely";
import { objectError } from "#base/errors.ts";
import { uuid7 } from "#base/uuid7.ts";
import type { Ctx } from "../ctx.ts";
import { announceUserChange } from "./user-changes.ts";

/** A role that a user or group has on everything, or in one domain. */
export interface WideGrant {
  readonly role: string;
  /** User id, or minus the group id. */
  readonly subject: number;
  /** `domain.num`; null is everywhere. */
  readonly domain: number | null;
}

/**
 * Gives a role everywhere or in a domain.
 *
 * @throws `ValidationError` if there is no such role.
 */
export async function assignRole(
  ctx: Ctx,
  { role, subject, domain }: WideGrant,
): Promise<"assigned" | "unchanged"> {
  const { numAffectedRows } = await sql`
    insert into role_assignment (id, subject, role, domain)
    values (${uuid7()}, ${subject}, ${await roleNum(ctx, role)}, ${domain})
    on conflict (subject, role, domain) where object is null do nothing`.execute(ctx.db);
  announceUserChange(ctx, subject);
  return numAffectedRows === 1n ? "assigned" : "unchanged";
}

/** Takes such a role away; otherwise as `assignRole`. */
export async function unassignRole(
  ctx: Ctx,
  { role, subject, domain }: WideGrant,
): Promise<"removed" | "unchanged"> {
  const { numAffectedRows } = await sql`
    delete from role_assignment where subject = ${subject} and role = ${await roleNum(ctx, role)}
      and object is null and domain is not distinct from ${domain}`.execute(ctx.db);
  announceUserChange(ctx, subject);
  return numAffectedRows === 0n ? "unchanged" : "removed";
}

async function roleNum({ db }: Ctx, name: string): Promise<number> {
  const row = await db.selectFrom("role").select("num").where("name", "=", name).executeTakeFirst();
  if (!row) throw objectError(`Object with name=${name} does not exist.`);
  return row.num;
}
