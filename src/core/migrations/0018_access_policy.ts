import { type Kysely, sql } from "kysely";

/** Expand step: policies of the REST API, seeded from what ships at every start. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl =
  String.raw`
create table access_policy (
  id uuid primary key,
  viewset_name text not null,
  statements jsonb not null,
  creation_hooks jsonb not null default '[]',
  queryset_scoping jsonb,
  customized boolean not null default false,
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  constraint access_policy_viewset_name unique (viewset_name)
);

create function forget_assignments() returns trigger language plpgsql as $$
begin
  delete from role_assignment where object in (select id from gone);
  return null;
end $$;
comment on function forget_assignments is
  'No foreign key can tie roles to objects of many tables; cascades reach this, commands would not.';
` +
  [
    "repository",
    "remote",
    "publication",
    "distribution",
    "alternate_content_source",
    "content_guard",
    "upload",
    "domain",
  ]
    .map(
      (table) => `create trigger ${table}_assignments after delete on ${table}
  referencing old table as gone for each statement execute function forget_assignments();`,
    )
    .join("\n");
