import { type Kysely, sql } from "kysely";

/** Expand step: what guards by features have beyond their name. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table service_feature_guard (
      id uuid not null,
      domain int not null,
      header_name text not null,
      jq_filter text,
      features jsonb not null,
      primary key (domain, id),
      foreign key (domain, id) references content_guard (domain, id) on delete cascade
    )`.execute(db);
}
