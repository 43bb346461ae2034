import { type Kysely, sql } from "kysely";

/** Expand step: indexes made of others, names that stay private, and what an index withholds. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
alter table python_distribution
  add column members jsonb not null default '[]',
  add column upload_member uuid,
  add column merge_upstream boolean not null default false,
  add column private_names jsonb not null default '[]',
  add column allowed_packages jsonb not null default '[]',
  add column denied_packages jsonb not null default '[]';
comment on column python_distribution.members is
  'ids of distributions in order; those that were deleted are passed over by whoever reads it';
alter table python_remote
  add column minimum_release_age_hours int not null default 0
    check (minimum_release_age_hours >= 0);
comment on column python_remote.minimum_release_age_hours is
  'files that upstream got less long ago are neither listed nor fetched; 0 is no such rule';
`;
