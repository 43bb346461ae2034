import { randomBytes } from "node:crypto";
import { sql } from "kysely";
import { sha256 } from "#base/digests.ts";
import type { Ctx, Executor } from "../ctx.ts";
import { inTransaction } from "../transaction.ts";
import type { NewSession } from "./types.ts";
import { announceUserChange } from "./user-changes.ts";

/** How a session begins. */
export interface SessionStart {
  /** Secret of the one that the same browser had until now. */
  readonly replaced?: string | undefined;
  /** Stored hash that the password was compared with, if it was a password. */
  readonly passwordHash?: string | undefined;
}

/**
 * Starts a session of a user.
 *
 * @returns undefined if the user is not active, or the password is another one by now.
 */
export async function beginSession(
  ctx: Ctx,
  user: number,
  { replaced, passwordHash }: SessionStart = {},
): Promise<NewSession | undefined> {
  const secret = randomBytes(32).toString("base64url");
  const maxAgeSeconds = ctx.settings.SESSION_COOKIE_AGE;
  const hasBegun = await inTransaction(ctx, undefined, async (trx) => {
    // Takes the row before the session is there, so that a change of the password ends it or stops it.
    const { numAffectedRows } = await sql`
      update app_user set last_login = clock_timestamp()
      where id = ${user} and is_active
        and password = coalesce(${passwordHash ?? null}::text, password)`.execute(trx);
    if (!numAffectedRows) return false;
    if (replaced !== undefined) {
      await trx.deleteFrom("session").where("id", "=", sha256(replaced)).execute();
    }
    await sql`insert into session (id, app_user, expires) values
      (${sha256(secret)}, ${user}, clock_timestamp() + make_interval(secs => ${maxAgeSeconds}))`.execute(
      trx,
    );
    return true;
  });
  if (replaced !== undefined) announceUserChange(ctx);
  return hasBegun ? { secret, maxAgeSeconds } : undefined;
}

/** Ends a session: whoever has its secret may. */
export async function endSession(ctx: Ctx, secret: string): Promise<void> {
  await ctx.db.deleteFrom("session").where("id", "=", sha256(secret)).execute();
  announceUserChange(ctx);
}

/** Ends the sessions of a user, but for one; those in which the user acts as another one too. */
export async function endSessions(db: Executor, user: number, kept?: string): Promise<void> {
  const sessions = db
    .deleteFrom("session")
    .where((is) => is.or([is("app_user", "=", user), is("actor", "=", user)]));
  await (kept === undefined ? sessions : sessions.where("id", "!=", sha256(kept))).execute();
}

/** A chore: rows of sessions that have run out. */
export async function removeExpiredSessions(db: Executor): Promise<void> {
  await sql`delete from session where expires < clock_timestamp()`.execute(db);
}
