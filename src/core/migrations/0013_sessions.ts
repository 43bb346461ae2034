import { type Kysely, sql } from "kysely";

/** Expand step: log-ins of browsers. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = String.raw`
create table session (
  id bytea primary key,
  app_user int not null references app_user on delete cascade,
  created timestamptz not null default clock_timestamp(),
  expires timestamptz not null
);
comment on column session.id is 'SHA-256 of the value of the cookie, which is kept nowhere.';
create index session_app_user on session (app_user);
create index session_expires on session (expires);
`;
