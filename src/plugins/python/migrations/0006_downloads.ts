import { type Kysely, sql } from "kysely";

/** Expand step: how often files of an index were fetched. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
create table python_download (
  id uuid not null unique,
  domain int not null,
  distribution uuid not null,
  filename rel_path not null,
  count bigint not null,
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  primary key (distribution, filename),
  foreign key (domain, distribution) references distribution (domain, id) on delete cascade
);
comment on table python_download is
  'whole files that the content app sent; a member of a group counts what the group sent there';
`;
