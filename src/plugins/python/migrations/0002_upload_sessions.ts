import { type Kysely, sql } from "kysely";

/** Expand step: uploads that become one version, while more of them may come. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
create table python_upload_session (
  id text primary key,
  domain int not null,
  repository uuid not null,
  start timestamptz not null,
  packages uuid[] not null,
  provenances uuid[] not null,
  foreign key (domain, repository) references repository (domain, id) on delete cascade
);
comment on column python_upload_session.start is
  'When the files are added; each further file moves it on.';
`;
