import { type Kysely, sql } from "kysely";

/**
 * Expand step: a record that was for some stays so when the last of them is deleted; without this its
 * empty list would be that of everybody.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
alter table service_push_repository add column is_limited boolean not null default false;
comment on column service_push_repository.is_limited is
  'Only the groups and accounts that are named may push, also when none of them is left.';
update service_push_repository p set is_limited = true
  where exists (select from service_push_group g where g.push_repository = p.id)
    or exists (select from service_push_account a where a.push_repository = p.id);
`;
