import { type Kysely, sql } from "kysely";

/**
 * Expand step: a row that names nobody any more, since its user and its group are gone and it never
 * named an organisation, opens its domains to nobody and goes with the last of them.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
delete from service_domain_org where app_user is null and app_group is null
  and coalesce(btrim(org_id), '') = '';

create function service_forget_nobody() returns trigger language plpgsql as $$
begin
  delete from service_domain_org where id = new.id;
  return null;
end $$;
comment on function service_forget_nobody is 'Users and groups leave null behind when they go.';
create trigger service_domain_org_nobody after update of app_user, app_group on service_domain_org
  for each row when (new.app_user is null and new.app_group is null
    and coalesce(btrim(new.org_id), '') = '') execute function service_forget_nobody();
`;
