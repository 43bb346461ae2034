import { type Kysely, sql } from "kysely";

/** Expand step: what the last sync of a repository saw, and the keys of pull-through. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = String.raw`
create table python_sync_state (
  repository uuid primary key,
  domain int not null,
  fingerprint bytea not null,
  number int,
  foreign key (domain, repository) references repository (domain, id) on delete cascade
);
comment on column python_sync_state.fingerprint is
  'digest of remote, address, policy and filters: of another one nothing is believed';
comment on column python_sync_state.number is
  'latest version when the sync ended; null while one runs or after one that failed';

create table python_project_state (
  repository uuid not null references python_sync_state (repository) on delete cascade,
  name text not null,
  etag text,
  last_modified text,
  last_serial bigint,
  primary key (repository, name)
);
comment on table python_project_state is
  'validators of the page of each project that the repository holds as the upstream has it';

create table python_pull_key (
  id uuid primary key,
  domain int not null unique references domain on delete cascade,
  secret text not null
);
comment on table python_pull_key is
  'sealed key that signs the upstream addresses of a domain, so that only listed ones are fetched';
`;
