import { objectError } from "#base/errors.ts";
import type { Ctx, User } from "../ctx.ts";
import type { PasswordCheck } from "./password-log-in.ts";
import type { UserValues } from "./types.ts";
import { checkPassword, updateUser } from "./user-commands.ts";

/** Columns that users change of themselves. */
type OwnValues = Pick<UserValues, "username" | "first_name" | "last_name" | "email">;

/** A new password for the old one. */
export interface PasswordChange {
  readonly oldPassword?: string | undefined;
  readonly newPassword: string;
}

export interface OwnChange {
  readonly values: OwnValues;
  readonly password?: PasswordChange | undefined;
  /** Session that the change comes by: a new password ends the others. */
  readonly session?: string | undefined;
  /** Address of the client; wrong old passwords are limited. */
  readonly address: string;
}

/** What became of it; the names and the password are changed together or not at all. */
export type OwnOutcome = { readonly kind: "done" } | { readonly kind: "flood"; seconds: number };

/**
 * Changes the account of the one who asks (core-rest §5, `login_update`).
 *
 * @throws `ValidationError` with the texts of that section.
 */
export async function changeOwnAccount(
  ctx: Ctx,
  { id, username: name }: User,
  { check, change }: { readonly check: PasswordCheck; readonly change: OwnChange },
): Promise<OwnOutcome> {
  const { values, password, session, address } = change;
  if (password) {
    const { oldPassword, newPassword } = password;
    if (!oldPassword) throw objectError("Old password is required to update the password.");
    const found = await check.logIn({ name, password: oldPassword, address });
    if (found.kind === "flood") return found;
    if (found.kind === "wrong") throw objectError("Old password is incorrect.");
    if (oldPassword === newPassword) {
      throw objectError("New password cannot be the same as the old password.");
    }
    checkPassword(newPassword);
    await updateUser(ctx, id, { ...values, password: newPassword, keptSession: session });
  } else if (Object.keys(values).length > 0) {
    await updateUser(ctx, id, values);
  }
  return { kind: "done" };
}
