import { type Kysely, sql } from "kysely";

/** Expand step: accounts that may push (service §9.3). */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ddl).execute(db);
}

const ddl = `
create table service_push_account (
  push_repository uuid not null references service_push_repository on delete cascade,
  domain int not null,
  account uuid not null,
  primary key (push_repository, account),
  foreign key (domain, account) references service_account (domain, id) on delete cascade
);
create index service_push_account_account on service_push_account (domain, account);
comment on table service_push_account is 'who may push, beside the groups of service_push_group';
`;
