import { type Kysely, sql } from "kysely";

/** Expand step: artifacts, content units, where their files come from, and the outbox of the store. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = String.raw`
create table artifact (
  id uuid not null,
  domain int not null,
  sha256 sha256 not null,
  size bigint not null check (size >= 0),
  file text,
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  touched timestamptz not null default clock_timestamp(),
  primary key (domain, id),
  constraint artifact_one_per_digest unique (domain, sha256)
);
comment on column artifact.file is 'Storage name; null is the canonical one made from sha256.';
create trigger artifact_domain after insert on artifact
  referencing new table as added for each statement execute function check_domain();
create table artifact_digest (
  domain int not null,
  artifact uuid not null,
  md5 bytea, sha1 bytea, sha224 bytea, sha384 bytea, sha512 bytea,
  primary key (domain, artifact),
  foreign key (domain, artifact) references artifact (domain, id) on delete cascade
);
create unique index artifact_digest_sha384 on artifact_digest (domain, sha384) where sha384 is not null;
create unique index artifact_digest_sha512 on artifact_digest (domain, sha512) where sha512 is not null;

create table storage_intent (
  domain int not null,
  object text not null,
  reason text not null,
  not_before timestamptz not null,
  primary key (domain, object)
);
create index storage_intent_due on storage_intent (not_before);
create table temporary_file (
  id uuid primary key,
  domain int not null references domain,
  file text not null,
  created timestamptz not null default clock_timestamp()
);

create table content_type (num smallint primary key, name text not null unique);
create table content (
  id uuid not null,
  domain int not null,
  type smallint not null,
  natural_key bytea not null check (octet_length(natural_key) = 32),
  slot uuid,
  labels jsonb,
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  touched timestamptz not null default clock_timestamp(),
  primary key (domain, id),
  constraint content_one_per_key unique (domain, type, natural_key)
);
create index content_newest on content (domain, type, created, id);
create index content_labels on content using gin (labels) where labels is not null;
create trigger content_domain after insert on content
  referencing new table as added for each statement execute function check_domain();
create table content_count (
  domain int not null, type smallint not null, n bigint not null default 0,
  primary key (domain, type)
);
create table orphan_candidate (
  domain int not null, content uuid not null, primary key (domain, content)
);

create table content_artifact (
  id uuid not null,
  domain int not null,
  content uuid not null,
  artifact uuid,
  relative_path rel_path not null,
  path_key uuid not null,
  primary key (domain, id),
  constraint content_artifact_one_per_path unique (content, path_key),
  foreign key (domain, content) references content (domain, id) on delete cascade,
  constraint content_artifact_artifact_fkey foreign key (domain, artifact) references artifact (domain, id)
);
create index content_artifact_artifact on content_artifact (domain, artifact) where artifact is not null;
create index content_artifact_path on content_artifact (domain, path_key);

create table remote (
  id uuid primary key,
  domain int not null references domain,
  type text not null,
  name text not null,
  url text not null,
  policy text not null default 'immediate' check (policy in ('immediate', 'on_demand', 'streamed')),
  ca_cert text, client_cert text, client_key text,
  tls_validation boolean not null default true,
  proxy_url text, proxy_username text, proxy_password text,
  username text, password text,
  secrets_key text,
  download_concurrency int check (download_concurrency >= 1),
  max_retries int,
  total_timeout double precision check (total_timeout >= 0),
  connect_timeout double precision check (connect_timeout >= 0),
  sock_connect_timeout double precision check (sock_connect_timeout >= 0),
  sock_read_timeout double precision check (sock_read_timeout >= 0),
  headers jsonb,
  rate_limit int,
  labels jsonb not null default '{}',
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  unique (domain, id),
  constraint remote_name unique (domain, name)
);
create index remote_newest on remote (domain, created, id);
create index remote_labels on remote using gin (labels) where labels <> '{}';
create index remote_name_words on remote using gin (name gin_trgm_ops);
comment on column remote.client_key is 'Fernet token; so are username, password and those of the proxy.';

create table remote_artifact (
  id uuid not null,
  domain int not null,
  remote uuid not null,
  content_artifact uuid not null,
  url text not null,
  size bigint,
  sha256 sha256,
  other_digests jsonb,
  failed_at timestamptz,
  constraint remote_artifact_one_per_remote primary key (content_artifact, remote),
  foreign key (domain, content_artifact) references content_artifact (domain, id) on delete cascade
);
create index remote_artifact_remote on remote_artifact (remote);
create index remote_artifact_sha256 on remote_artifact (domain, sha256) where sha256 is not null;
create trigger remote_artifact_parent after insert on remote_artifact
  referencing new table as added for each statement execute function check_parent('remote', 'remote', 'id');
create function remote_is_unused() returns trigger language plpgsql as $$
begin
  if exists (select from remote_artifact where remote = old.id) then
    raise foreign_key_violation using constraint = 'remote_artifact_parent', table = 'remote',
      message = 'remote still has remote artifacts';
  end if;
  return old;
end $$;
create trigger remote_children before delete on remote for each row execute function remote_is_unused();
`;
