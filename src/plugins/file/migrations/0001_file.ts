import { type Kysely, sql } from "kysely";

/** Expand step: what the file plugin knows beyond the core. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = String.raw`
create table file_content (
  id uuid not null,
  domain int not null,
  relative_path rel_path not null,
  digest sha256 not null,
  primary key (domain, id),
  foreign key (domain, id) references content (domain, id) on delete cascade
);
create index file_content_path on file_content (domain, relative_path);
create index file_content_digest on file_content (domain, digest);

create table file_repository (
  id uuid primary key,
  domain int not null,
  autopublish boolean not null default false,
  manifest text default 'PULP_MANIFEST',
  last_sync_details jsonb not null default '{}',
  foreign key (domain, id) references repository (domain, id) on delete cascade
);
create table file_publication (
  id uuid primary key,
  domain int not null,
  manifest text default 'PULP_MANIFEST',
  foreign key (domain, id) references publication (domain, id) on delete cascade
);
`;
