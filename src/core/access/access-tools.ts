import type { Caller, Ctx, User } from "../ctx.ts";
import { namedUsers } from "./named-users.ts";
import { rightsBook } from "./rights.ts";
import { issueToken } from "./token-commands.ts";
import { type ScopeQuestion, scopeAllows, type TokenScope } from "./token-scope.ts";
import type { Rights } from "./types.ts";
import { onUserChange } from "./user-changes.ts";

/** What protocols work with that decide by themselves who may do what. */
export interface AccessTools {
  rightsOf(who: Pick<Caller, "user" | "domain">): Promise<Rights>;
  /** Whether a token that was shown reaches so far; its owner's rights have to be asked as well. */
  reaches(scope: TokenScope | undefined, question: ScopeQuestion): boolean;
  /**
   * An active user by name, limited by one of the user's API tokens where its id is given; mostly
   * without a statement. Undefined if there is none, or the token is not in force.
   */
  activeUser(name: string, token?: string): Promise<User | undefined>;
  /** Calls back when users, groups, roles, assignments or tokens change. */
  onChange(listener: () => void): void;
  /** Makes a token of a client that logs in; the oldest of the same issuer give way to it. */
  issueToken(draft: Parameters<typeof issueToken>[1]): ReturnType<typeof issueToken>;
}

export function accessTools(ctx: Ctx): AccessTools {
  const book = rightsBook(ctx);
  const activeUser = namedUsers(ctx);
  return {
    rightsOf: (who) => book.rightsOf(who),
    reaches: scopeAllows,
    activeUser,
    onChange: (listener) => onUserChange(ctx, listener),
    issueToken: (draft) => issueToken(ctx, draft),
  };
}
