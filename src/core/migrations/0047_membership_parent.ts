import { type Kysely, sql } from "kysely";

/**
 * Expand step: the repositories of new members are checked by statements that are planned once. Of each
 * push the plans of the general check, which are made anew, took a tenth.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
create function check_membership_parent() returns trigger language plpgsql as $$
declare want bigint; got bigint;
begin
  select count(*) into want from (select distinct domain, repository from added) x;
  -- Each is looked up by itself, whatever the planner takes the table for when it plans.
  with l as (
    select from (select distinct domain, repository from added) x
    cross join lateral (select from repository
      where domain = x.domain and num = x.repository offset 0 for key share) r)
  select count(*) into got from l;
  if want <> got then
    raise foreign_key_violation using constraint = tg_name, table = tg_table_name,
      message = 'membership: parent in repository missing or in another domain';
  end if;
  return null;
end $$;
drop trigger membership_parent on membership;
create trigger membership_parent after insert on membership
  referencing new table as added for each statement execute function check_membership_parent();
`;
