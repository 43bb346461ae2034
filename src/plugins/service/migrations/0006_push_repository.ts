import { type Kysely, sql } from "kysely";

/** Expand step: what holds for pushes to repositories (service §9.3). */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
create table service_push_repository (
  id uuid primary key,
  domain int not null references domain (num) on delete cascade,
  name text not null,
  repository uuid not null,
  distribution uuid,
  enabled boolean not null,
  allow_overwrite boolean not null,
  publish_on_push boolean not null,
  max_upload_size bigint check (max_upload_size > 0),
  malware_scanning text not null check (malware_scanning in ('inherit', 'on', 'off')),
  require_attestation boolean not null,
  labels jsonb not null default '{}',
  last_push timestamptz,
  push_count bigint not null default 0,
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  constraint service_push_repository_name unique (domain, name),
  constraint service_push_repository_one unique (repository),
  foreign key (domain, repository) references repository (domain, id) on delete cascade,
  foreign key (domain, distribution) references distribution (domain, id)
    on delete set null (distribution)
);
create index service_push_repository_newest on service_push_repository (domain, created, id);
create index service_push_repository_of on service_push_repository (domain, repository);
create index service_push_repository_at on service_push_repository (domain, distribution)
  where distribution is not null;

create table service_push_group (
  push_repository uuid not null references service_push_repository on delete cascade,
  app_group int not null references app_group on delete cascade,
  primary key (push_repository, app_group)
);
create index service_push_group_group on service_push_group (app_group);
comment on table service_push_group is 'who may push, where not everybody who may write';
`;
