import { type Kysely, sql } from "kysely";

/** Expand step: what both types of certificate guards have beyond their name. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table certguard_guard (
      id uuid not null,
      domain int not null,
      ca_certificate text not null,
      primary key (domain, id),
      foreign key (domain, id) references content_guard (domain, id) on delete cascade
    )`.execute(db);
  await sql`comment on column certguard_guard.ca_certificate
    is 'PEM certificates, one after the other.'`.execute(db);
}
