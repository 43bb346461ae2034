import { type Kysely, sql } from "kysely";

/** Expand step: the types shared by all tables, and the domain that every key begins with. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = String.raw`
create extension if not exists btree_gist;
create extension if not exists pg_trgm;

create domain rel_path as text collate "C" check (
  octet_length(value) between 1 and 2048
  and '/' || value || '/' !~ '[\u0001-\u001f\u007f]|//|/\.{1,2}/'
);
create domain sha256 as bytea check (octet_length(value) = 32);
create type path_range as range (subtype = text, collation = "C");

create table domain (
  num int generated always as identity primary key,
  id uuid not null unique,
  name text not null unique
    check (name ~ '^[-a-zA-Z0-9_]{1,50}$' and lower(name) not in ('api', 'content')),
  description text,
  labels jsonb not null default '{}',
  storage_class text not null,
  storage_settings jsonb not null default '{}',
  redirect_to_object_storage boolean not null default true,
  hide_guarded_distributions boolean not null default false,
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp()
);
create table domain_usage (
  domain int primary key references domain on delete cascade,
  bytes bigint not null default 0,
  artifacts bigint not null default 0
);
create table system_setting (name text primary key, value jsonb not null);

-- Tiny parents (domain, repository, remote) are checked once per statement, not once per row.
create function check_parent() returns trigger language plpgsql as $$
declare want bigint; got bigint;
begin
  execute format('select count(*) from (select distinct domain, %I from added) x', tg_argv[1]) into want;
  execute format(
    'with l as (select from %I p where (p.domain, p.%I) in (select distinct domain, %I from added) for key share) select count(*) from l',
    tg_argv[0], tg_argv[2], tg_argv[1]) into got;
  if want <> got then
    raise foreign_key_violation using constraint = tg_name, table = tg_table_name,
      message = format('%s: parent in %s missing or in another domain', tg_table_name, tg_argv[0]);
  end if;
  return null;
end $$;
create function check_domain() returns trigger language plpgsql as $$
declare want bigint; got bigint;
begin
  select count(distinct domain) into want from added;
  with l as (select from domain where num in (select distinct domain from added) for key share)
  select count(*) into got from l;
  if want <> got then
    raise foreign_key_violation using constraint = tg_name, table = tg_table_name,
      message = tg_table_name || ': no such domain';
  end if;
  return null;
end $$;
`;
