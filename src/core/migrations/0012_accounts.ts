import { type Kysely, sql } from "kysely";

/** Expand step: roles of one user or group in order, and nothing stays of users and groups. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = String.raw`
create index role_assignment_user on role_assignment (subject, created desc, id desc)
  where subject > 0;
create index role_assignment_group on role_assignment ((-subject), created desc, id desc)
  where subject < 0;

create function forget_user() returns trigger language plpgsql as $$
begin
  delete from role_assignment where subject in (select id from gone);
  return null;
end $$;
create trigger app_user_assignments after delete on app_user
  referencing old table as gone for each statement execute function forget_user();

create function forget_group() returns trigger language plpgsql as $$
begin
  delete from role_assignment where subject in (select -id from gone);
  delete from role_assignment where domain = 0
    and kind = (select num from object_kind where name = 'core.group')
    and object in (select ('00000000-0000-0000-0000-' || lpad(id::text, 12, '0'))::uuid from gone);
  return null;
end $$;
comment on function forget_group is 'Objects with numbers carry roles under a UUID that ends with it.';
create trigger app_group_assignments after delete on app_group
  referencing old table as gone for each statement execute function forget_group();

create function forget_domain_roles() returns trigger language plpgsql as $$
begin
  delete from role_assignment where object is null and domain in (select num from gone);
  return null;
end $$;
create trigger domain_roles after delete on domain
  referencing old table as gone for each statement execute function forget_domain_roles();
`;
