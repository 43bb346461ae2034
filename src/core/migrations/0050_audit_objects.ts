import { type Kysely, sql } from "kysely";

/**
 * Expand step: what audited tasks made is known after the tasks are gone. Rows of `created_resource`
 * that go while their task stays were made by nobody after all.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
create table audit_task_object (
  task uuid not null,
  position int not null,
  prn text not null,
  path text not null,
  created timestamptz not null default clock_timestamp(),
  primary key (task, position)
);
comment on table audit_task_object is 'What audited tasks have made whose own rows are gone.';
comment on column audit_task_object.path is 'Below the API root, without a slash at its start.';
create index audit_task_object_prn on audit_task_object (prn);
create trigger audit_task_object_append_only before update or delete or truncate on audit_task_object
  for each statement execute function audit_refuse_change();

create function audit_keep_task_objects() returns trigger language plpgsql as $$
begin
  insert into audit_task_object (task, position, prn, path)
    select o.task, o.position, 'prn:' || lower(o.model) || ':' || o.object, o.path
    from old_objects o
    where not exists (select from task t where t.id = o.task)
      and exists (select from audit_entry e where e.task = o.task)
    on conflict do nothing;
  return null;
end $$;
create trigger created_resource_audit after delete on created_resource
  referencing old table as old_objects
  for each statement execute function audit_keep_task_objects();
`;
