import { type Kysely, sql } from "kysely";

/** Expand step: keys that sign tokens of the registry, where the settings name none. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
create table container_token_key (
  id uuid primary key,
  kid text not null unique,
  algorithm text not null,
  private_key text not null,
  created timestamptz not null default clock_timestamp()
);
comment on column container_token_key.private_key is 'PKCS #8 (PEM), sealed.';
`;
