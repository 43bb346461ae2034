import { type Kysely, sql } from "kysely";

/**
 * Expand step: the audit trail. Its rows name users, domains and objects as they were and have no
 * foreign keys, since they outlive all of them; the database itself refuses to change them.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
create table audit_entry (
  id uuid primary key,
  created timestamptz not null default clock_timestamp(),
  domain text,
  user_id int,
  username text,
  authenticated_by text,
  operation text not null,
  method text not null,
  object_path text not null,
  object_prn text,
  cid text not null,
  client text not null,
  outcome text not null check (outcome in ('done', 'dispatched', 'denied', 'failed')),
  status smallint not null,
  task uuid,
  task_group uuid
);
comment on table audit_entry is 'Append-only: one row per acknowledged mutation of the REST API.';
comment on column audit_entry.object_path is 'Below the API root; outside it with a leading slash.';
create index audit_entry_newest on audit_entry (created, id);
create index audit_entry_of_user on audit_entry (username, created);
create index audit_entry_of_object on audit_entry (object_prn, created)
  where object_prn is not null;
create index audit_entry_of_task on audit_entry (task) where task is not null;
create index audit_entry_cid on audit_entry (cid);

create table audit_task_end (
  task uuid primary key,
  state text not null,
  finished_at timestamptz,
  created timestamptz not null default clock_timestamp()
);
comment on table audit_task_end is 'How audited tasks ended whose own rows are gone.';

create function audit_refuse_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and current_setting('deckle.audit_retention', true) = 'on' then
    return null;
  end if;
  raise exception 'The audit trail is append-only.' using errcode = 'insufficient_privilege';
end $$;
create trigger audit_entry_append_only before update or delete or truncate on audit_entry
  for each statement execute function audit_refuse_change();
create trigger audit_task_end_append_only before update or delete or truncate on audit_task_end
  for each statement execute function audit_refuse_change();

create function audit_keep_task_ends() returns trigger language plpgsql as $$
begin
  insert into audit_task_end (task, state, finished_at)
    select o.id, o.state, o.finished_at from old_tasks o
    where exists (select from audit_entry e where e.task = o.id)
    on conflict do nothing;
  return null;
end $$;
create trigger task_audit_end after delete on task referencing old table as old_tasks
  for each statement execute function audit_keep_task_ends();
`;
