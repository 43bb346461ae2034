import { type Kysely, sql } from "kysely";

/** Expand step: who is in a group is found without a look at everybody, also when the group goes. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index group_member_of_group on group_member (app_group, app_user)`.execute(db);
}
