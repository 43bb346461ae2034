import { randomBytes } from "node:crypto";
import { sql } from "kysely";
import { sha256 } from "#base/digests.ts";
import type { Ctx } from "../ctx.ts";
import { inTransaction } from "../transaction.ts";
import type { NewSession } from "./types.ts";
import { announceUserChange } from "./user-changes.ts";

/**
 * An administrator goes on as another user: the session becomes one of that user, which remembers who
 * acts, ends with the rights of the administrator, and lasts no longer than the old one.
 *
 * @param secret of the administrator's session.
 * @returns undefined, and nothing has changed, unless that is a session of an administrator who acts
 *   as nobody yet, and the user is another one who is active.
 */
export const beginActing = (
  ctx: Ctx,
  secret: string,
  user: number,
): Promise<NewSession | undefined> =>
  replaceSession(
    ctx,
    secret,
    sql`select u.id as app_user, a.id as actor from old s join app_user a on a.id = s.app_user,
      app_user u where s.actor is null and a.is_active and a.is_superuser
        and u.id = ${user} and u.is_active and u.id <> a.id`,
  );

/**
 * The administrator is himself again.
 *
 * @returns undefined if nobody acts by that session.
 */
export const endActing = (ctx: Ctx, secret: string): Promise<NewSession | undefined> =>
  replaceSession(
    ctx,
    secret,
    sql`select a.id as app_user, null::int as actor from old s join app_user a on a.id = s.actor
      where a.is_active`,
  );

/** The secret changes with the rights that it gives. Nobody has logged in, so no time is noted. */
async function replaceSession(
  ctx: Ctx,
  old: string,
  next: ReturnType<typeof sql>,
): Promise<NewSession | undefined> {
  const secret = randomBytes(32).toString("base64url");
  const made = await inTransaction(ctx, undefined, async (trx) => {
    const { rows } = await sql<{ seconds: number }>`
      with old as materialized (select app_user, actor, expires from session
          where id = ${sha256(old)} and expires > clock_timestamp() for update),
        next as (${next}),
        made as (insert into session (id, app_user, actor, expires)
          select ${sha256(secret)}, next.app_user, next.actor, old.expires from next, old
          returning expires)
      select ceil(extract(epoch from expires - clock_timestamp()))::int as seconds from made`.execute(
      trx,
    );
    if (rows.length > 0) {
      await trx.deleteFrom("session").where("id", "=", sha256(old)).execute();
    }
    return rows[0];
  });
  if (!made) return undefined;
  announceUserChange(ctx);
  return { secret, maxAgeSeconds: Math.max(1, made.seconds) };
}
