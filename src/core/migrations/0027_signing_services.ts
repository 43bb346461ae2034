import { type Kysely, sql } from "kysely";

/** Expand step: who signs, and with which key. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table signing_service (
      id uuid primary key,
      name text not null,
      kind text not null,
      public_key text not null,
      fingerprint text not null,
      script text not null,
      created timestamptz not null default clock_timestamp(),
      updated timestamptz not null default clock_timestamp(),
      constraint signing_service_name unique (name)
    )`.execute(db);
  await sql`comment on column signing_service.script is
    'absolute path of the program that signs; workers run it'`.execute(db);
  await sql`comment on column signing_service.kind is
    'what it signs, as a model: container.ManifestSigningService'`.execute(db);
}
