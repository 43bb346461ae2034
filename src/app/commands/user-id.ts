import type { Ctx } from "#core/ctx.ts";

/** Number of the user of this name; undefined if there is none. */
export async function userId({ db }: Ctx, username: string): Promise<number | undefined> {
  const row = await db
    .selectFrom("app_user")
    .select("id")
    .where("username", "=", username)
    .executeTakeFirst();
  return row?.id;
}
