import { type Kysely, sql } from "kysely";

/** Expand step: tokens of users, and the tokens of other issuers that were exchanged for one. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = String.raw`
create table api_token (
  id uuid primary key,
  owner int not null references app_user on delete cascade,
  name text not null,
  hash bytea not null,
  scopes text[] not null,
  domains text[],
  objects text[],
  issuer text,
  created timestamptz not null default clock_timestamp(),
  expires timestamptz,
  last_used timestamptz,
  revoked timestamptz,
  constraint api_token_name unique (owner, name),
  constraint api_token_hash unique (hash)
);
comment on column api_token.hash is 'SHA-256 of the whole token; its text is stored nowhere.';
comment on column api_token.domains is 'Names; null is every domain.';
comment on column api_token.objects is 'PRNs; null is every object.';
comment on column api_token.issuer is 'Whose token it was exchanged for; null if a user made it.';
create index api_token_exchanged on api_token (expires) where issuer is not null;
create table exchanged_jwt (
  hash bytea primary key,
  expires timestamptz not null
);
comment on table exchanged_jwt is 'Tokens of other issuers that were exchanged, until nobody would accept them.';
create index exchanged_jwt_expires on exchanged_jwt (expires);
`;
