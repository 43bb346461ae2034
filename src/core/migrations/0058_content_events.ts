import { type Kysely, sql } from "kysely";

/** Expand step: whoever remembers where a name leads need not forget it after each new version. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table distribution_event add column content_only boolean not null default false`.execute(
    db,
  );
  await sql`comment on column distribution_event.content_only is
    'What the distribution serves has changed; the distribution itself and what it names have not.'`.execute(
    db,
  );
}
