import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import { ensureLockedRoles } from "#core/access/commands.ts";
import { hashPassword } from "#core/access/passwords.ts";
import type { Db } from "#core/ctx.ts";
import { ensureDefaultDomain } from "#core/domains/commands.ts";
import { ensurePolicies } from "#core/policies/commands.ts";
import type { Settings } from "#platform/config/settings.ts";
import { type Migration, migrate } from "#platform/db/migrate.ts";
import { migrationSources } from "./plugins.ts";
import type { Runtime } from "./runtime.ts";

/**
 * Brings the database to this release and makes what every installation has: the domain `default`
 * and the installation's id. Safe to repeat, and while other processes serve. Records of processes that have
 * gone stay: whoever removes them has to end their tasks, and the next beat of a worker does both.
 */
export async function prepareDatabase(db: Db, settings: Settings): Promise<readonly Migration[]> {
  const applied = await migrate(db as never, migrationSources());
  await ensureDefaultDomain(db, settings);
  await sql`insert into system_setting (name, value)
    values ('system_id', to_jsonb(${uuid7()}::text)) on conflict do nothing`.execute(db);
  return applied;
}

/**
 * Makes the superuser `admin` unless there is one.
 *
 * @returns whether it was made now
 */
export async function ensureAdmin(db: Db, password: string): Promise<boolean> {
  const known = await db
    .selectFrom("app_user")
    .select("id")
    .where("username", "=", "admin")
    .executeTakeFirst();
  if (known) return false;
  const made = await db
    .insertInto("app_user")
    .values({
      username: "admin",
      password: await hashPassword(password),
      is_staff: true,
      is_superuser: true,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning("id")
    .executeTakeFirst();
  return made !== undefined;
}

/** What follows from the plugins: the shipped roles and policies. */
export async function prepareAccess(runtime: Pick<Runtime, "createCtx">): Promise<void> {
  const ctx = runtime.createCtx("api");
  await ensureLockedRoles(ctx);
  await ensurePolicies(ctx);
}
