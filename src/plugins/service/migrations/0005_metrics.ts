import { type Kysely, sql } from "kysely";

/** Expand step: what was downloaded and asked for, and how much is stored (service §9.4, §9.5). */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
create table service_package_download (
  id uuid not null unique,
  domain int not null references domain (num) on delete cascade,
  hour timestamptz not null,
  key uuid not null,
  package_type text not null,
  name text not null,
  epoch text,
  version text,
  release text,
  arch text,
  nevra text,
  distribution uuid,
  base_path text not null,
  content uuid,
  org_id text,
  username text,
  user_kind text check (user_kind in ('service_account', 'org_only', 'email', 'username')),
  client_family text not null,
  count bigint not null,
  bytes bigint not null,
  cache_hits bigint not null,
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  primary key (domain, hour, key)
) with (fillfactor = 90);
comment on table service_package_download is
  'downloads by hour; distribution and content may have gone: the numbers stay';
comment on column service_package_download.key is
  'hash of base path, type and package, organisation, user and client: texts of any length fit';
create index service_package_download_id on service_package_download (domain, id);
create index service_package_download_name on service_package_download (domain, name, id);
create index service_package_download_place on service_package_download (domain, base_path, hour);
create index service_package_download_org on service_package_download (domain, org_id, id)
  where org_id is not null;
create index service_package_download_arch on service_package_download (domain, arch, id)
  where arch is not null;
create index service_package_download_type on service_package_download (domain, package_type, id);
create index service_package_download_hour on service_package_download (hour);

create table service_request_activity (
  domain int not null references domain (num) on delete cascade,
  day date not null,
  key uuid not null,
  base_path text,
  username text,
  org_id text,
  user_kind text check (user_kind in ('service_account', 'org_only', 'email', 'username')),
  ip_hash text,
  count bigint not null,
  primary key (domain, day, key)
) with (fillfactor = 90);
comment on table service_request_activity is
  'permitted requests by day, to an index or (base_path null) to the rest of the API';
create index service_request_activity_day on service_request_activity (day);

create table service_storage_sample (
  domain int not null references domain (num) on delete cascade,
  day date not null,
  bytes bigint not null,
  artifacts bigint not null,
  primary key (domain, day)
);
comment on table service_storage_sample is 'what artifacts of a domain took on a day';
create index service_storage_sample_day on service_storage_sample (day);
`;
