import { type Kysely, sql } from "kysely";

/** Expand step: the events of one distribution say in which state it is (core-content §5.15). */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create index distribution_event_of on distribution_event (distribution) include (xact)`.execute(
    db,
  );
}
