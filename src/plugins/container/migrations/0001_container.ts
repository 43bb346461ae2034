import { type Kysely, sql } from "kysely";

/** Expand step: what the registry knows beyond the core. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
create table container_blob (
  id uuid not null,
  domain int not null,
  digest text not null,
  size bigint,
  primary key (domain, id),
  foreign key (domain, id) references content (domain, id) on delete cascade
);
comment on column container_blob.size is 'bytes; null while only an upstream has said that it exists';
create index container_blob_digest on container_blob (domain, digest);

create table container_manifest (
  id uuid not null,
  domain int not null,
  digest text not null,
  media_type text not null,
  schema_version smallint not null,
  size int not null,
  body bytea not null,
  type text,
  artifact_type text,
  subject text,
  annotations jsonb not null default '{}',
  labels jsonb not null default '{}',
  is_bootable boolean not null default false,
  is_flatpak boolean not null default false,
  architecture text,
  os text,
  compressed_image_size bigint,
  primary key (domain, id),
  foreign key (domain, id) references content (domain, id) on delete cascade
);
comment on column container_manifest.body is 'the bytes as they were received (plugin-container §2.5)';
-- Manifests are read whole and are small: compressed out of line they would cost a second read.
alter table container_manifest alter column body set storage external;
create index container_manifest_digest on container_manifest (domain, digest);
create index container_manifest_subject on container_manifest (domain, subject)
  where subject is not null;

create table container_reference (
  domain int not null,
  manifest uuid not null,
  position int not null,
  kind text not null check (kind in ('config', 'layer', 'child')),
  digest text not null,
  media_type text not null default '',
  size bigint,
  platform jsonb,
  primary key (domain, manifest, kind, position),
  foreign key (domain, manifest) references content (domain, id) on delete cascade
);
comment on table container_reference is
  'What a manifest names, by digest: it need not be here, and may come later (sparse index, foreign layer).';
create index container_reference_digest on container_reference (domain, digest);

create table container_tag (
  id uuid not null,
  domain int not null,
  name text collate "C" not null,
  manifest uuid not null,
  primary key (domain, id),
  foreign key (domain, id) references content (domain, id) on delete cascade,
  -- No cascade: a manifest stays as long as a tag points at it.
  foreign key (domain, manifest) references content (domain, id)
);
create index container_tag_name on container_tag (domain, name);
create index container_tag_manifest on container_tag (domain, manifest);

create table container_signature (
  id uuid not null,
  domain int not null,
  name text not null,
  digest text not null,
  type text not null default 'atomic',
  key_id text not null,
  fingerprint text,
  timestamp bigint not null,
  creator text not null default '',
  manifest uuid not null,
  body bytea not null,
  primary key (domain, id),
  foreign key (domain, id) references content (domain, id) on delete cascade,
  -- No cascade: a manifest stays as long as something is signed about it.
  foreign key (domain, manifest) references content (domain, id)
);
create index container_signature_manifest on container_signature (domain, manifest);
create index container_signature_digest on container_signature (domain, digest);

create table container_namespace (
  id uuid primary key,
  domain int not null references domain (num),
  name text not null,
  labels jsonb not null default '{}',
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  constraint container_namespace_one_per_name unique (domain, name)
);

create trigger container_namespace_assignments after delete on container_namespace
  referencing old table as gone for each statement execute function forget_assignments();

create table container_repository (
  id uuid primary key,
  domain int not null,
  manifest_signing_service uuid,
  foreign key (domain, id) references repository (domain, id) on delete cascade
);

-- What was pushed and is in no version yet (plugin-container §10.2).
create table container_pending (
  repository uuid not null,
  domain int not null,
  content uuid not null,
  used timestamptz not null default clock_timestamp(),
  primary key (repository, content),
  foreign key (domain, repository) references repository (domain, id) on delete cascade,
  foreign key (domain, content) references content (domain, id) on delete cascade
);
create index container_pending_content on container_pending (domain, content);
create index container_pending_used on container_pending (used);

create table container_upload (
  id uuid primary key,
  domain int not null,
  repository uuid not null,
  owner int,
  size bigint not null default 0,
  writer uuid,
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  foreign key (domain, repository) references repository (domain, id) on delete cascade
);
comment on column container_upload.size is 'bytes that are acknowledged and on disk';
comment on column container_upload.owner is 'user who began it: nobody else goes on with it';
comment on column container_upload.writer is 'process that is writing to it now: app_process.id';
create index container_upload_updated on container_upload (updated);

create table container_remote (
  id uuid primary key,
  domain int not null,
  upstream_name text not null,
  includes jsonb,
  excludes jsonb,
  sigstore text,
  foreign key (domain, id) references remote (domain, id) on delete cascade
);

create table container_pull_through_remote (
  id uuid primary key,
  domain int not null,
  includes jsonb,
  excludes jsonb,
  foreign key (domain, id) references remote (domain, id) on delete cascade
);

create table container_distribution (
  id uuid primary key,
  domain int not null,
  namespace uuid not null references container_namespace (id),
  private boolean not null default false,
  description text,
  pull_through uuid,
  foreign key (domain, id) references distribution (domain, id) on delete cascade,
  foreign key (domain, pull_through) references distribution (domain, id) on delete set null (pull_through)
);
comment on column container_distribution.pull_through is
  'of a distribution that a pull-through distribution made: that one';
create index container_distribution_namespace on container_distribution (namespace);
create index container_distribution_pull_through on container_distribution (domain, pull_through)
  where pull_through is not null;
`;
