import { type Kysely, sql } from "kysely";

/** Expand step: events that are to be sent, written with what they are about (service §12.4). */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
create table service_event (
  id uuid not null,
  sink text not null check (sink in ('webhook', 'stream')),
  name text not null,
  payload text not null,
  attempts int not null default 0,
  due timestamptz not null default clock_timestamp(),
  created timestamptz not null default clock_timestamp(),
  primary key (sink, id)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
create index service_event_due on service_event (sink, due, id);
comment on table service_event is 'events that a sink has not taken yet';
comment on column service_event.due is
  'when anybody may send it: later than now while somebody does, and after an attempt that failed';
`;
