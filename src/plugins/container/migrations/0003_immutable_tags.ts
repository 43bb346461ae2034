import { type Kysely, sql } from "kysely";

/** Expand step: which tags of a repository stay what they are. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
alter table container_repository
  add column immutable_tags jsonb not null default '[]',
  add column immutable_tags_except jsonb not null default '[]';
comment on column container_repository.immutable_tags is
  'Globs over tags that can neither be moved nor removed.';
comment on column container_repository.immutable_tags_except is
  'Globs over tags that can be, though immutable_tags has them.';
`;
