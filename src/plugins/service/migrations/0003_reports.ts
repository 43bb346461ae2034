import { type Kysely, sql } from "kysely";

/** Expand step: who watches whether releases were yanked, and reports of that and of vulnerabilities. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
create table service_yank_monitor (
  id uuid primary key,
  domain int not null references domain (num) on delete cascade,
  name text not null constraint service_yank_monitor_name unique,
  description text,
  labels jsonb not null default '{}',
  repository uuid,
  version uuid,
  last_checked timestamptz,
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  check (num_nonnulls(repository, version) = 1),
  foreign key (domain, repository) references repository (domain, id) on delete cascade,
  foreign key (domain, version) references repository_version (domain, id) on delete cascade
);
comment on column service_yank_monitor.domain is
  'Of what it watches: whoever has that domain has the monitor, whatever domain the address names.';
create index service_yank_monitor_newest on service_yank_monitor (created, id);
create index service_yank_monitor_domain on service_yank_monitor (domain, created, id);
create index service_yank_monitor_repository on service_yank_monitor (domain, repository)
  where repository is not null;
create index service_yank_monitor_version on service_yank_monitor (domain, version)
  where version is not null;
create index service_yank_monitor_labels on service_yank_monitor using gin (labels)
  where labels <> '{}';

create table service_yank_report (
  id uuid primary key,
  -- Nobody can ask for the report of a monitor that is gone.
  monitor uuid not null references service_yank_monitor on delete cascade,
  repository_name text not null,
  report jsonb not null,
  errors jsonb not null,
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp()
);
comment on column service_yank_report.report is
  '{"name==version": {"yanked_reason": text or null}}: releases of which every file is yanked.';
comment on column service_yank_report.errors is '{"name": reason}: packages that nothing is known of.';
create index service_yank_report_newest on service_yank_report (monitor, created, id);

create table service_vuln_report (
  id uuid primary key,
  domain int not null references domain (num) on delete cascade,
  version uuid,
  vulns jsonb not null,
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  foreign key (domain, version) references repository_version (domain, id)
    on delete set null (version)
);
comment on column service_vuln_report.vulns is
  '{"name-version": [records of OSV]}: only releases that have any.';
create index service_vuln_report_newest on service_vuln_report (domain, created, id);
create index service_vuln_report_version on service_vuln_report (domain, version)
  where version is not null;
`;
