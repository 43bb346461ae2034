import { type Kysely, sql } from "kysely";

/** Expand step: what pull-through caches let go of. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
alter table container_distribution
  add column evict_not_pulled_for_days int check (evict_not_pulled_for_days >= 1),
  add column evict_over_bytes bigint check (evict_over_bytes >= 0);
comment on column container_distribution.evict_not_pulled_for_days is
  'of a pull-through distribution: its caches let go of what nobody asked for so long; null keeps it';
comment on column container_distribution.evict_over_bytes is
  'of a pull-through distribution: how much its caches may hold together; null bounds nothing';
create index container_distribution_eviction on container_distribution (id)
  where evict_not_pulled_for_days is not null or evict_over_bytes is not null;
`;
