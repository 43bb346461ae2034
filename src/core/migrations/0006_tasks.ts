import { type Kysely, sql } from "kysely";

/** Expand step: processes, tasks and what hangs on them; 0007 adds the queue. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = String.raw`
create table app_process (
  id uuid primary key,
  kind text not null check (kind in ('api', 'content', 'worker')),
  name text not null,
  versions jsonb not null,
  ttl_seconds int not null,
  release int not null default 0,
  last_heartbeat timestamptz not null default clock_timestamp(),
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp()
);

create table task_group (
  id uuid primary key,
  domain int not null references domain on delete cascade,
  description text not null default '',
  all_tasks_dispatched boolean not null default false,
  created timestamptz not null default clock_timestamp()
);
create index task_group_newest on task_group (domain, created, id);
create table group_progress (
  task_group uuid not null references task_group on delete cascade,
  code text not null,
  message text not null,
  total bigint not null default 0,
  done bigint not null default 0,
  suffix text,
  primary key (task_group, code)
);

create table task (
  id uuid primary key,
  seq bigint not null unique,
  domain int not null references domain on delete cascade,
  state text not null default 'waiting',
  name text not null,
  immediate boolean not null default false,
  deferred boolean not null default true,
  cid text not null default '',
  resources text[] not null default '{}',
  arguments text,
  versions jsonb,
  profile_options text[],
  api_version text not null default 'v3',
  user_id int references app_user on delete set null,
  parent uuid references task on delete set null,
  task_group uuid references task_group on delete set null,
  error jsonb,
  result jsonb,
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  unblocked_at timestamptz,
  started_at timestamptz,
  finished_at timestamptz
) with (fillfactor = 70);
comment on column task.arguments is 'One Fernet token over the JSON of the input.';
create index task_newest on task (domain, created, id);
create index task_of_group on task (task_group) where task_group is not null;
create index task_of_parent on task (parent) where parent is not null;
create index task_cid on task (cid) where cid <> '';
create index task_resources on task using gin (resources);

create table task_progress (
  task uuid not null references task on delete cascade,
  code text not null,
  message text not null,
  state text not null,
  total bigint,
  done bigint not null default 0,
  suffix text,
  position int not null default 0,
  primary key (task, code)
) with (fillfactor = 70);
create table created_resource (
  task uuid not null references task on delete cascade,
  position int not null,
  model text not null,
  object text not null,
  path text not null,
  primary key (task, position)
);
comment on table created_resource is
  'model and object make the PRN; path is the href below the API root, without a slash at its start.';
create index created_resource_object on created_resource (object);
create table profile_artifact (
  task uuid not null references task on delete cascade,
  name text not null,
  domain int not null,
  artifact uuid not null,
  primary key (task, name),
  foreign key (domain, artifact) references artifact (domain, id) on delete cascade
);
create table task_schedule (
  id uuid primary key,
  domain int not null references domain on delete cascade,
  name text not null,
  task_name text not null,
  arguments text,
  dispatch_interval interval,
  next_dispatch timestamptz,
  last_task uuid references task on delete set null,
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  constraint task_schedule_name unique (domain, name)
);
`;
