import { type Kysely, sql } from "kysely";

/** Expand step: jobs of a CI that may upload without a secret, and the tokens that they got. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
create table python_trusted_publisher (
  id uuid primary key,
  domain int not null,
  repository uuid not null,
  owner int not null references app_user on delete cascade,
  issuer text not null,
  anchor text not null,
  claims jsonb not null,
  projects jsonb not null default '[]',
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  constraint python_trusted_publisher_once unique (repository, issuer, claims),
  foreign key (domain, repository) references repository (domain, id) on delete cascade
);
create index python_trusted_publisher_anchor on python_trusted_publisher (issuer, anchor);
create index python_trusted_publisher_owner on python_trusted_publisher (owner);
comment on column python_trusted_publisher.owner is 'whose rights an upload needs, and who did it';
comment on column python_trusted_publisher.anchor is
  'one of the claims that says who, without wildcards, as name=value: finds it among many';
comment on column python_trusted_publisher.projects is
  'patterns of normalised names that it may upload; empty is every one';

create table python_publisher_token (
  token uuid not null references api_token on delete cascade,
  number int not null,
  publisher uuid references python_trusted_publisher on delete set null,
  primary key (token, number)
);
create index python_publisher_token_publisher on python_publisher_token (publisher);
comment on table python_publisher_token is
  'what an API token was made for; a publisher that is gone leaves null, so the token is worth nothing';
`;
