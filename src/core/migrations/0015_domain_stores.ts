import { type Kysely, sql } from "kysely";

/** Expand step: who stores a file can tell whether the domain's store was changed meanwhile. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
alter table domain add column storage_epoch int not null default 0;
comment on column domain.storage_epoch is
  'Grows with each change of class or settings of the store; a file that was placed under another epoch is placed again.';
`;
