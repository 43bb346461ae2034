import { type Kysely, sql } from "kysely";

/** Expand step: repositories, their versions, and membership as integer ranges of versions. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = String.raw`
create table repository (
  num int generated always as identity primary key,
  id uuid not null unique,
  domain int not null references domain,
  type text not null,
  name text not null,
  description text,
  labels jsonb not null default '{}',
  next_version int not null default 1,
  retain_repo_versions int check (retain_repo_versions >= 1),
  retain_checkpoints int check (retain_checkpoints >= 1),
  remote uuid,
  user_hidden boolean not null default false,
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  unique (domain, id),
  unique (domain, num),
  constraint repository_name unique (domain, name),
  foreign key (domain, remote) references remote (domain, id) on delete set null (remote)
);
create index repository_newest on repository (domain, created, id);
create index repository_labels on repository using gin (labels) where labels <> '{}';
create index repository_name_words on repository using gin (name gin_trgm_ops);
create index repository_remote on repository (domain, remote) where remote is not null;

create table repository_version (
  id uuid primary key,
  domain int not null,
  repository int not null,
  number int not null check (number >= 0),
  complete boolean not null default false,
  counts jsonb not null default '{}',
  base_version uuid references repository_version on delete set null,
  info jsonb not null default '{}',
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  unique (domain, id),
  constraint repository_version_number unique (repository, number),
  foreign key (domain, repository) references repository (domain, num) on delete cascade
);
create unique index repository_version_one_open on repository_version (repository) where not complete;
create index repository_version_newest on repository_version (domain, created, id);
create index repository_version_base on repository_version (base_version) where base_version is not null;
comment on column repository_version.counts is
  'Units by type: {"present": {"file.file": 3}, "added": {…}, "removed": {…}}; zeros are left out.';

create table membership (
  repository int not null,
  added int not null,
  removed int not null default 2147483647,
  domain int not null,
  type smallint not null,
  slot uuid,
  content uuid not null,
  at timestamptz not null default clock_timestamp(),
  check (added < removed),
  primary key (repository, content, added),
  constraint membership_one_open_slot unique (repository, slot, removed),
  constraint membership_one_open_unit unique (repository, content, removed),
  constraint membership_content_fkey foreign key (domain, content) references content (domain, id)
);
create index membership_content on membership (domain, content);
create index membership_added on membership (repository, added);
create index membership_removed on membership (repository, removed);
create trigger membership_parent after insert on membership
  referencing new table as added for each statement execute function check_parent('repository', 'repository', 'num');
create function repository_is_empty() returns trigger language plpgsql as $$
begin
  if exists (select from membership where repository = old.num) then
    raise foreign_key_violation using constraint = 'membership_parent', table = 'repository',
      message = 'repository still has members';
  end if;
  return old;
end $$;
create trigger repository_children before delete on repository for each row execute function repository_is_empty();
`;
