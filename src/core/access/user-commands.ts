import { fieldError, ValidationError } from "#base/errors.ts";
import { type ConstraintTable, rethrow } from "../constraints.ts";
import type { Ctx } from "../ctx.ts";
import { inTransaction } from "../transaction.ts";
import { hashPassword, unusablePassword } from "./passwords.ts";
import { passwordProblems } from "./rules.ts";
import { endSessions } from "./session-commands.ts";
import type { UserValues } from "./types.ts";
import { announceUserChange } from "./user-changes.ts";

const constraints: ConstraintTable = {
  app_user_username: () => fieldError("username", "This field must be unique."),
};

/** @throws `ValidationError` with every rule that the password breaks. */
export function checkPassword(password: string | null | undefined): void {
  if (typeof password !== "string") return;
  const problems = passwordProblems(password);
  if (problems.length > 0) throw new ValidationError({ non_field_errors: problems });
}

const storedPassword = (password: string | null | undefined): Promise<string> =>
  typeof password === "string" ? hashPassword(password) : Promise.resolve(unusablePassword());

/**
 * Makes a user; returns the id. Without a password there is no log-in by password.
 *
 * @throws `ValidationError` if the name is taken.
 */
export async function createUser(
  ctx: Ctx,
  { password, ...values }: UserValues & { readonly username: string },
): Promise<number> {
  const { id } = await ctx.db
    .insertInto("app_user")
    .values({ ...values, password: await storedPassword(password) })
    .returning("id")
    .executeTakeFirstOrThrow()
    .catch(rethrow(constraints));
  return id;
}

/**
 * Changes what is given; `password: null` ends log-ins by password. A new password and the end of
 * being active end the user's sessions, but for the one that asked.
 */
export async function updateUser(
  ctx: Ctx,
  id: number,
  { password, keptSession, ...values }: UserValues & { readonly keptSession?: string | undefined },
): Promise<void> {
  const changes =
    password === undefined ? values : { ...values, password: await storedPassword(password) };
  await inTransaction(ctx, undefined, async (trx) => {
    await trx.updateTable("app_user").set(changes).where("id", "=", id).execute();
    if (password !== undefined || values.is_active === false) {
      await endSessions(trx, id, keptSession);
    }
  }).catch(rethrow(constraints));
  announceUserChange(ctx, id);
}

/** Removes a user, its memberships and its roles; its tasks stay. */
export async function deleteUser(ctx: Ctx, id: number): Promise<void> {
  await ctx.db.deleteFrom("app_user").where("id", "=", id).execute();
  announceUserChange(ctx, id);
}
