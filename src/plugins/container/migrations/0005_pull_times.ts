import { type Kysely, sql } from "kysely";

/** Expand step: when somebody last asked for a tag or a manifest of a repository. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
create table container_pull (
  repository uuid not null,
  domain int not null,
  content uuid not null,
  pulled timestamptz not null,
  primary key (repository, content),
  foreign key (domain, repository) references repository (domain, id) on delete cascade,
  foreign key (domain, content) references content (domain, id) on delete cascade
);
comment on table container_pull is
  'Written now and then by each process: a row may be behind by REGISTRY_PULL_TIMES_INTERVAL.';
create index container_pull_content on container_pull (domain, content);
`;
