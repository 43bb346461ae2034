import { type Kysely, sql } from "kysely";

/** Expand step: what a mirroring sync has seen so far of the members of its repository. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

// Unlogged: 300 000 rows of a sync that changes nothing write no WAL. A crash of the server empties
// the table; the row that stands for the draft itself is then gone too, and the sync fails.
const ddl = `
create unlogged table version_kept (
  version uuid not null,
  content uuid not null,
  primary key (version, content)
);
comment on table version_kept is
  'Members that a version under construction keeps; the row with content = version says that the list is whole.';
`;
