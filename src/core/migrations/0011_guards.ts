import { type Kysely, sql } from "kysely";

/** Expand step: what guards of single types have beyond their name. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = String.raw`
create table header_guard (
  id uuid not null,
  domain int not null,
  header_name text not null,
  header_value text not null,
  jq_filter text,
  primary key (domain, id),
  foreign key (domain, id) references content_guard (domain, id) on delete cascade
);
create table composite_guard_member (
  domain int not null,
  composite uuid not null,
  position int not null,
  guard uuid not null,
  primary key (domain, composite, guard),
  foreign key (domain, composite) references content_guard (domain, id) on delete cascade,
  foreign key (domain, guard) references content_guard (domain, id) on delete cascade
);
create index composite_guard_member_guard on composite_guard_member (domain, guard);
comment on column composite_guard_member.position is 'Members are asked in this order.';
create index content_guard_newest on content_guard (domain, created, id);
`;
