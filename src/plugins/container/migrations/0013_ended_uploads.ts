import { type Kysely, sql } from "kysely";

/** Expand step: an upload that is over is remembered, so that no process takes its id for a new one. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
alter table container_upload add column is_over boolean not null default false;
comment on column container_upload.is_over is
  'it is a blob, or was given up; the row goes when its id is no longer good';
`;
