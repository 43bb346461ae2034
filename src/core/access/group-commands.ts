import { sql } from "kysely";
import { fieldError, ValidationError } from "#base/errors.ts";
import { type ConstraintTable, rethrow } from "../constraints.ts";
import type { Ctx, Executor } from "../ctx.ts";
import { inTransaction } from "../transaction.ts";
import { announceUserChange } from "./user-changes.ts";

const constraints: ConstraintTable = {
  app_group_name: () => fieldError("name", "This field must be unique."),
};

/**
 * Makes a group; returns the id.
 *
 * @param made called inside the transaction, with the id.
 * @throws `ValidationError` if the name is taken.
 */
export async function createGroup(
  ctx: Ctx,
  name: string,
  made: (db: Executor, id: number) => Promise<void>,
): Promise<number> {
  const group = await inTransaction(ctx, undefined, async (trx) => {
    const { id } = await trx
      .insertInto("app_group")
      .values({ name })
      .returning("id")
      .executeTakeFirstOrThrow();
    await made(trx, id);
    return id;
  }).catch(rethrow(constraints));
  announceUserChange(ctx);
  return group;
}

/** @throws `ValidationError` if the name is taken. */
export async function renameGroup(ctx: Ctx, id: number, name: string): Promise<void> {
  const update = ctx.db.updateTable("app_group").set({ name }).where("id", "=", id);
  await update.execute().catch(rethrow(constraints));
  announceUserChange(ctx);
}

export interface GroupChange {
  readonly name: string;
  /** User names of all members; without it they stay. */
  readonly members?: readonly string[];
}

/** Renames a group and says who is in it, both or nothing. @throws `ValidationError` */
export async function changeGroup(
  ctx: Ctx,
  id: number,
  { name, members }: GroupChange,
): Promise<void> {
  await inTransaction(ctx, undefined, async (trx) => {
    await trx.updateTable("app_group").set({ name }).where("id", "=", id).execute();
    if (members) await setMembers(trx, id, members);
  }).catch(rethrow(constraints));
  announceUserChange(ctx);
}

/**
 * Makes those the members of a group, and nobody else. Who calls announces the change.
 *
 * @throws `ValidationError` under `users` that names who is not there; nothing has changed then.
 */
export async function setMembers(
  db: Executor,
  group: number,
  usernames: readonly string[],
): Promise<void> {
  const { rows } = await sql<{ missing: string }>`
    select name as missing from unnest(${usernames}::text[]) as name
    where not exists (select from app_user where username = name) limit 10`.execute(db);
  if (rows.length > 0) {
    throw new ValidationError({
      users: rows.map(({ missing }) => `There is no user '${missing}'.`),
    });
  }
  await sql`
    with wanted as (select id from app_user where username = any(${usernames}::text[])),
      gone as (delete from group_member where app_group = ${group}
        and app_user not in (select id from wanted))
    insert into group_member (app_group, app_user)
    select ${group}::int, id from wanted on conflict do nothing`.execute(db);
}

/** Removes a group, its memberships, its roles and the roles on it. */
export async function deleteGroup(ctx: Ctx, id: number): Promise<void> {
  await ctx.db.deleteFrom("app_group").where("id", "=", id).execute();
  announceUserChange(ctx);
}

/** A user by one of its names on the wire: the name, or the id. */
export interface UserName {
  readonly username?: string;
  readonly id?: number;
}

/** Puts a user into a group, if it is not there; returns its id, or undefined if there is none. */
export async function addMember(
  ctx: Ctx,
  group: number,
  { username, id }: UserName,
): Promise<number | undefined> {
  const condition =
    username === undefined ? sql`id = ${id ?? null}::bigint` : sql`username = ${username}`;
  const { rows } = await sql<{ id: number }>`
    with found as (select id from app_user where ${condition}),
      member as (insert into group_member (app_group, app_user)
        select ${group}::int, id from found on conflict do nothing)
    select id from found`.execute(ctx.db);
  announceUserChange(ctx);
  return rows[0]?.id;
}

/**
 * Puts a user into the group of a name, which is made if there is none; returns the id of the group.
 *
 * @param trx without it the work is done at once, and announced.
 */
export async function joinGroup(
  ctx: Ctx,
  { name, user }: { readonly name: string; readonly user: number },
  trx?: Executor,
): Promise<number> {
  const db = trx ?? ctx.db;
  await sql`insert into app_group (name) values (${name}) on conflict (name) do nothing`.execute(
    db,
  );
  const { id } = await db
    .selectFrom("app_group")
    .select("id")
    .where("name", "=", name)
    .executeTakeFirstOrThrow();
  await sql`insert into group_member (app_group, app_user) values (${id}, ${user})
    on conflict do nothing`.execute(db);
  if (!trx) announceUserChange(ctx);
  return id;
}

/** Takes a user out of a group; false if there is no such user or group. */
export async function removeMember(ctx: Ctx, group: number, user: number): Promise<boolean> {
  const { rows } = await sql<{ are_there: boolean }>`
    with gone as (delete from group_member where app_group = ${group} and app_user = ${user})
    select exists (select from app_group where id = ${group})
      and exists (select from app_user where id = ${user}) as are_there`.execute(ctx.db);
  announceUserChange(ctx);
  return rows[0]?.are_there === true;
}
