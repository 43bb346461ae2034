import { type Kysely, sql } from "kysely";

/** Expand step: publications, distributions, guards and alternate content sources. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = String.raw`
create table publication (
  id uuid primary key,
  domain int not null,
  type text not null,
  version uuid not null,
  complete boolean not null default false,
  checkpoint boolean not null default false,
  layout text not null default 'rows',
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  unique (domain, id),
  foreign key (domain, version) references repository_version (domain, id) on delete cascade
);
create index publication_version on publication (version, created desc);
create index publication_newest on publication (domain, created, id);
comment on column publication.layout is
  'How paths are found besides publication_path: rows, pass_through, or <plugin>:<rule>.';

create table publication_path (
  publication uuid not null,
  domain int not null,
  relative_path rel_path not null,
  artifact uuid,
  content_artifact uuid,
  primary key (publication, relative_path),
  check (num_nonnulls(artifact, content_artifact) = 1),
  foreign key (domain, publication) references publication (domain, id) on delete cascade,
  foreign key (domain, artifact) references artifact (domain, id),
  foreign key (domain, content_artifact) references content_artifact (domain, id) on delete cascade
);
create index publication_path_artifact on publication_path (domain, artifact) where artifact is not null;
create index publication_path_content on publication_path (domain, content_artifact)
  where content_artifact is not null;

create table content_guard (
  id uuid primary key,
  domain int not null references domain,
  type text not null,
  name text not null,
  description text,
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  unique (domain, id),
  constraint content_guard_name unique (domain, name)
);

create table distribution (
  id uuid primary key,
  domain int not null references domain,
  type text not null,
  name text not null,
  base_path rel_path not null check (base_path !~ '[\s?#]'),
  hidden boolean not null default false,
  checkpoint boolean not null default false,
  repository uuid,
  version uuid,
  publication uuid,
  remote uuid,
  guard uuid,
  legacy_overlap boolean not null default false,
  labels jsonb not null default '{}',
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  unique (domain, id),
  constraint distribution_name unique (domain, name),
  constraint distribution_base_path unique (domain, base_path),
  constraint distribution_one_source check (num_nonnulls(repository, version, publication) <= 1),
  foreign key (domain, repository) references repository (domain, id) on delete set null (repository),
  foreign key (domain, version) references repository_version (domain, id) on delete set null (version),
  foreign key (domain, publication) references publication (domain, id) on delete set null (publication),
  foreign key (domain, remote) references remote (domain, id) on delete set null (remote),
  foreign key (domain, guard) references content_guard (domain, id) on delete set null (guard),
  constraint distribution_overlap exclude using gist
    (domain with =, path_range(base_path || '/', base_path || '0') with &&) where (not legacy_overlap)
);
create index distribution_newest on distribution (domain, created, id);
create index distribution_labels on distribution using gin (labels) where labels <> '{}';
create index distribution_words on distribution using gin (name gin_trgm_ops, (base_path::text) gin_trgm_ops);
create index distribution_repository on distribution (domain, repository) where repository is not null;
create index distribution_version on distribution (domain, version) where version is not null;
create index distribution_publication on distribution (domain, publication) where publication is not null;
create index distribution_remote on distribution (domain, remote) where remote is not null;
create index distribution_guard on distribution (domain, guard) where guard is not null;

create table distributed_publication (
  distribution uuid not null references distribution on delete cascade,
  publication uuid not null references publication on delete cascade,
  expires_at timestamptz,
  created timestamptz not null default clock_timestamp(),
  primary key (distribution, publication)
);

-- Read by the caches of the content processes: what a distribution serves may have changed.
create table distribution_event (
  xact xid8 not null default pg_current_xact_id(),
  domain int not null,
  distribution uuid not null,
  at timestamptz not null default clock_timestamp()
);
create index distribution_event_xact on distribution_event (xact);

create table alternate_content_source (
  id uuid primary key,
  domain int not null references domain,
  type text not null,
  name text not null,
  remote uuid not null,
  last_refreshed timestamptz,
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  unique (domain, id),
  constraint acs_name unique (domain, name),
  constraint acs_remote_fkey foreign key (domain, remote) references remote (domain, id)
);
create table acs_path (
  id uuid primary key,
  domain int not null,
  acs uuid not null,
  path text not null,
  repository uuid,
  foreign key (domain, acs) references alternate_content_source (domain, id) on delete cascade,
  foreign key (domain, repository) references repository (domain, id) on delete set null (repository)
);
create index acs_path_acs on acs_path (domain, acs);

create table upload (
  id uuid primary key,
  domain int not null references domain,
  size bigint not null check (size >= 0),
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  unique (domain, id)
);
create index upload_newest on upload (domain, created, id);
create table upload_chunk (
  id uuid primary key,
  upload uuid not null references upload on delete cascade,
  start bigint not null check (start >= 0),
  size bigint not null check (size >= 0),
  sha256 sha256 not null,
  file text not null,
  constraint upload_chunk_start unique (upload, start)
);
`;
