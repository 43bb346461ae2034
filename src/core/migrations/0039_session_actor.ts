import { type Kysely, sql } from "kysely";

/** Expand step: nullable without default, so the release before this one keeps beginning sessions. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table session
    add column actor int references app_user on delete cascade`.execute(db);
  await sql`create index session_actor on session (actor) where actor is not null`.execute(db);
  await sql`comment on column session.actor is
    'The administrator who acts as the user; null where the user has logged in.'`.execute(db);
}
