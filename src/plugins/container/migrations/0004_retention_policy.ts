import { type Kysely, sql } from "kysely";

/** Expand step: what a repository does not keep. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
alter table container_repository add column retention_policy jsonb;
comment on column container_repository.retention_policy is
  'Which tags and untagged manifests the schedule removes, as it was given; null keeps all.';
create index container_repository_retention on container_repository (id)
  where retention_policy is not null;
`;
