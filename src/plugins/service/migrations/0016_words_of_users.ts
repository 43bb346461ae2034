import { type Kysely, sql } from "kysely";

/** Expand step: administrators look for users and groups by parts of their names. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index app_user_words on app_user
    using gin (username gin_trgm_ops, email gin_trgm_ops)`.execute(db);
  await sql`create index app_group_words on app_group using gin (name gin_trgm_ops)`.execute(db);
}
