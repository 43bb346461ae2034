import type { User } from "../ctx.ts";

/** What came of an `Authorization` header; who asks decides how a refusal looks. */
export type LogIn =
  | KnownUser
  | { readonly kind: "malformed"; readonly why: string }
  | { readonly kind: "flood"; readonly seconds: number }
  | { readonly kind: "wrong" }
  | { readonly kind: "badToken"; readonly why: string }
  | { readonly kind: "inactive" };

export interface KnownUser {
  readonly kind: "user";
  readonly user: User;
  /** The stored hash of the user's password, to see whether it is still the one in the database. */
  readonly passwordHash: string;
}

export interface UserRow {
  readonly id: number;
  readonly username: string;
  readonly password: string;
  readonly is_active: boolean;
  readonly is_superuser: boolean;
  readonly is_staff: boolean;
}

/** Key of a user who is one of the staff. */
export const staffMark = (isStaff: boolean): Pick<User, "isStaff"> => (isStaff ? { isStaff } : {});

/** A user of the database, whom a password or, with a limit, a token stands for. */
export const knownUser = (
  { id, username, password, is_superuser, is_staff }: UserRow,
  token: Pick<User, "scope" | "tokenId"> = {},
): KnownUser => ({
  kind: "user",
  user: {
    ...{ id, username, isSuperuser: is_superuser, isActive: true },
    ...staffMark(is_staff),
    ...token,
  },
  passwordHash: password,
});
