import { type Kysely, sql } from "kysely";

/** Expand step: of which machines a mirror takes the images. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
alter table container_remote add column platforms jsonb;
comment on column container_remote.platforms is
  'os/architecture[/variant] of the children of indexes that are mirrored; null takes all.';
`;
