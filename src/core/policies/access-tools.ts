import { issueToken, type NewToken, onUserChange, type TokenDraft } from "../access/commands.ts";
import { namedUsers, rightsBook, type ScopeQuestion, scopeAllows } from "../access/queries.ts";
import type { Rights } from "../access/types.ts";
import type { Caller, Ctx, Executor, User } from "../ctx.ts";
import { type NewObject, runCreationHooks } from "./commands.ts";

/** What protocols work with that decide by themselves who may do what. */
export interface AccessTools {
  rightsOf(who: Pick<Caller, "user" | "domain">): Promise<Rights>;
  /** Whether the token that was shown reaches so far; its owner's rights have to be asked as well. */
  reaches(user: User, question: ScopeQuestion): boolean;
  /**
   * An active user by name, limited by one of the user's API tokens where its id is given; mostly
   * without a statement. Undefined if there is none, or the token is not in force.
   */
  activeUser(name: string, token?: string): Promise<User | undefined>;
  /** What `activeUser` found in the last seconds, as long as nobody has told of a change. */
  knownUser(name: string, token?: string): User | undefined;
  /** Calls back when users, groups, roles, assignments or tokens change. */
  onChange(listener: () => void): void;
  /** Makes a token for a client that has logged in; the oldest of the same issuer give way to it. */
  issueToken(draft: TokenDraft & { readonly issuer: string }): Promise<NewToken>;
  /** Gives the roles that the policies have for new objects, in the transaction that makes them. */
  made(db: Executor, caller: Caller, objects: readonly NewObject[]): Promise<void>;
}

export function accessTools(ctx: Ctx): AccessTools {
  const book = rightsBook(ctx);
  const users = namedUsers(ctx);
  return {
    rightsOf: (who) => book.rightsOf(who),
    reaches: ({ scope }, question) => scopeAllows(scope, question),
    activeUser: users.find,
    knownUser: users.known,
    onChange: (listener) => onUserChange(ctx, listener),
    issueToken: (draft) => issueToken(ctx, draft),
    async made(db, caller, objects) {
      for (const one of objects) await runCreationHooks(ctx, db, { caller, ...one });
    },
  };
}
