import { type Kysely, sql } from "kysely";

/** Expand step: what the Python plugin knows beyond the core. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = String.raw`
create table python_package (
  id uuid not null,
  domain int not null,
  filename rel_path not null,
  sha256 sha256 not null,
  size bigint not null default 0,
  packagetype text not null,
  name text not null,
  name_normalized text not null,
  version text not null,
  metadata_version text not null default '',
  python_version text not null default '',
  requires_python text not null default '',
  metadata_sha256 sha256,
  author text not null default '',
  author_email text not null default '',
  description text not null default '',
  description_content_type text not null default '',
  download_url text not null default '',
  home_page text not null default '',
  keywords text not null default '',
  license text not null default '',
  license_expression text not null default '',
  maintainer text not null default '',
  maintainer_email text not null default '',
  platform text not null default '',
  project_url text not null default '',
  summary text not null default '',
  supported_platform text not null default '',
  classifiers text not null default '[]',
  dynamic text not null default '[]',
  license_file text not null default '[]',
  obsoletes_dist text not null default '[]',
  project_urls text not null default '{}',
  provides_dist text not null default '[]',
  provides_extras text not null default '[]',
  requires_dist text not null default '[]',
  requires_external text not null default '[]',
  primary key (domain, id),
  foreign key (domain, id) references content (domain, id) on delete cascade
);
comment on column python_package.requires_dist is
  'JSON text as clients compare it, like every column of several values (plugin-python §2.2)';
create index python_package_sha256 on python_package (domain, sha256);
create index python_package_name on python_package (domain, name_normalized, version);
create index python_package_version on python_package (domain, version);
create index python_package_filename on python_package (domain, filename);

create table python_provenance (
  id uuid not null,
  domain int not null,
  package uuid not null,
  sha256 sha256 not null,
  provenance jsonb not null,
  primary key (domain, id),
  foreign key (domain, id) references content (domain, id) on delete cascade,
  -- No cascade: a package stays as long as something is attested about it.
  foreign key (domain, package) references content (domain, id)
);
create index python_provenance_package on python_provenance (domain, package);
create index python_provenance_sha256 on python_provenance (domain, sha256);

create table python_yank (
  id uuid not null,
  domain int not null,
  name_normalized text not null,
  version text not null,
  yanked_reason text not null,
  primary key (domain, id),
  foreign key (domain, id) references content (domain, id) on delete cascade
);
create index python_yank_name on python_yank (domain, name_normalized, version);

create table python_repository (
  id uuid primary key,
  domain int not null,
  autopublish boolean not null default false,
  allow_package_substitution boolean not null default true,
  error_on_reject boolean not null default true,
  foreign key (domain, id) references repository (domain, id) on delete cascade
);

create table python_remote (
  id uuid primary key,
  domain int not null,
  includes jsonb not null default '[]',
  excludes jsonb not null default '[]',
  prereleases boolean not null default false,
  package_types jsonb not null default '[]',
  keep_latest_packages int not null default 0 check (keep_latest_packages >= 0),
  exclude_platforms jsonb not null default '[]',
  provenance boolean not null default false,
  vulnerabilities boolean not null default false,
  foreign key (domain, id) references remote (domain, id) on delete cascade
);

create table python_distribution (
  id uuid primary key,
  domain int not null,
  allow_uploads boolean not null default true,
  foreign key (domain, id) references distribution (domain, id) on delete cascade
);

create table python_blocklist_entry (
  id uuid primary key,
  domain int not null,
  repository uuid not null,
  name text,
  version text,
  filename text,
  added_by text not null default '',
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  constraint python_blocklist_entry_subject
    check (num_nonnulls(name, filename) = 1 and (version is null or name is not null)),
  constraint python_blocklist_entry_once
    unique nulls not distinct (repository, name, version, filename),
  foreign key (domain, repository) references repository (domain, id) on delete cascade
);
`;
