import { type Kysely, sql } from "kysely";

/** Expand step: services that sign without a program. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table signing_service add column private_key text`.execute(db);
  await sql`comment on column signing_service.private_key is
    'PKCS #8 (PEM), sealed, of a service that signs by itself; null where a program has the key.'`.execute(
    db,
  );
}
