import { type Kysely, sql } from "kysely";

/** Expand step: the task queue; data-model §8 gives the algorithm and its measurements. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = String.raw`
create sequence task_seq;
create table task_queue (
  seq bigint primary key,
  task uuid not null,
  domain int not null,
  immediate boolean not null,
  pending smallint not null,
  tag bigint not null,
  release int not null default 0,
  owner uuid,
  keys bigint[] not null,
  excl boolean[] not null
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
create index task_ready on task_queue (immediate desc, tag, seq) where pending = 0 and owner is null;
create index task_owned on task_queue (owner) where owner is not null;
create index task_queue_domain on task_queue (domain, tag) where pending = 0 and owner is null;
create unique index task_queue_task on task_queue (task);
create table task_held (
  key bigint not null, excl boolean not null, seq bigint not null, primary key (key, excl, seq)
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05);
create table task_wait (
  key bigint not null, seq bigint not null, excl boolean not null, primary key (key, seq)
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05);
`;
