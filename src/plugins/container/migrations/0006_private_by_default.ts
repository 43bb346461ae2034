import { type Kysely, sql } from "kysely";

/** Expand step: whether what is made in a namespace begins as private. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
alter table container_namespace add column private_by_default boolean not null default false;
comment on column container_namespace.private_by_default is
  'Distributions that a push makes, or a request that does not say, are private.';
`;
