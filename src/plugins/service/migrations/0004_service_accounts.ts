import { type Kysely, sql } from "kysely";

/** Expand step: accounts of programs with certificates, and rules in front of content guards. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
create table service_account (
  id uuid primary key,
  domain int not null references domain (num) on delete cascade,
  name text not null,
  description text,
  labels jsonb not null default '{}',
  subject_dn text not null,
  canonical_dn text not null,
  dn_digest sha256 not null constraint service_account_dn unique,
  org_id text,
  enabled boolean not null default true,
  expires_at timestamptz,
  domain_access boolean not null default true,
  domain_org int references service_domain_org on delete set null,
  app_user int references app_user on delete set null,
  last_seen timestamptz,
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  unique (domain, id),
  constraint service_account_name unique (domain, name)
);
comment on column service_account.dn_digest is
  'SHA-256 of canonical_dn: the name may be longer than an index takes.';
comment on column service_account.app_user is
  'Null where the user was removed: the account still refuses the certificate if it is disabled.';
create index service_account_newest on service_account (domain, created, id);
create index service_account_org on service_account (domain, org_id) where org_id is not null;
create index service_account_seen on service_account (domain, last_seen);
create index service_account_link on service_account (domain_org) where domain_org is not null;
create index service_account_user on service_account (app_user) where app_user is not null;
create index service_account_labels on service_account using gin (labels) where labels <> '{}';

create table service_retired_user (
  app_user int primary key references app_user on delete cascade,
  domain int not null references domain (num) on delete cascade
);
create index service_retired_user_domain on service_retired_user (domain);
comment on table service_retired_user is
  'Users that are inactive since their account was removed; an account of that domain revives them.';

create table service_guard_rule (
  id uuid primary key,
  domain int not null references domain (num) on delete cascade,
  name text not null,
  labels jsonb not null default '{}',
  content_guard uuid not null,
  subject_dn text,
  canonical_subject text,
  org_id text,
  service_account uuid,
  effect text not null check (effect in ('allow', 'deny')),
  actions jsonb not null,
  path_prefixes jsonb not null,
  valid_from timestamptz,
  valid_until timestamptz,
  enabled boolean not null,
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  constraint service_guard_rule_name unique (domain, name),
  check (num_nonnulls(subject_dn, org_id, service_account) = 1),
  foreign key (domain, content_guard) references content_guard (domain, id) on delete cascade,
  foreign key (domain, service_account) references service_account (domain, id) on delete cascade
);
create index service_guard_rule_newest on service_guard_rule (domain, created, id);
create index service_guard_rule_guard on service_guard_rule (domain, content_guard);
create index service_guard_rule_account on service_guard_rule (domain, service_account)
  where service_account is not null;
create index service_guard_rule_labels on service_guard_rule using gin (labels)
  where labels <> '{}';
`;
