import { fieldError } from "#base/errors.ts";
import { type Executor, sql } from "#sdk";
import { ORGANISATION_GROUP } from "../identity/org-groups.ts";

/** For whom a user is found, made or taken out of service. */
export interface UserOrder {
  /** The name of the certificate, as it was written. */
  readonly username: string;
  /** `domain.num` of the account. */
  readonly domain: number;
  /** Organisations of whoever asks and of the account. */
  readonly organisations: readonly string[];
  readonly isSuperuser: boolean;
}

interface Found {
  readonly id: number;
  readonly is_active: boolean;
  readonly is_superuser: boolean;
  /** Member of a group of one of the organisations. */
  readonly is_own: boolean;
  /** Number of the domain whose account it was. */
  readonly retired_by: number | null;
}

const TAKEN = "This field must be unique.";

/**
 * The user of an account: made, or one that is there. Somebody else's certificate cannot be taken by
 * naming it: a user that is there has to be of the same organisation, or of an account that the
 * domain has had.
 *
 * @throws `ValidationError`, which does not tell that there is such a user.
 */
export async function accountUser(
  db: Executor,
  order: UserOrder,
): Promise<{ readonly id: number; readonly isNew: boolean }> {
  const { username, domain, isSuperuser } = order;
  const made = await sql<{ id: number }>`
    insert into app_user (username, password) values (${username}, '!' || gen_random_uuid())
    on conflict (username) do nothing returning id`.execute(db);
  const [fresh] = made.rows;
  if (fresh) return { id: fresh.id, isNew: true };
  const found = await userNamed(db, order);
  const isOurs = found?.is_own || found?.retired_by === domain;
  if (!found || !(isSuperuser || (isOurs && !found.is_superuser)))
    throw fieldError("subject_dn", TAKEN);
  if (!found.is_active) {
    if (found.retired_by === null)
      throw fieldError("subject_dn", "The user of this subject is inactive.");
    await sql`update app_user set is_active = true where id = ${found.id}`.execute(db);
  }
  await sql`delete from service_retired_user where app_user = ${found.id}`.execute(db);
  return { id: found.id, isNew: false };
}

const groupNames = (organisations: readonly string[]): readonly string[] =>
  organisations.map((one) => `${ORGANISATION_GROUP}${one}`);

async function userNamed(
  db: Executor,
  { username, organisations }: UserOrder,
): Promise<Found | undefined> {
  const { rows } = await sql<Found>`
    select u.id, u.is_active, u.is_superuser, r.domain as retired_by,
      exists (select from group_member m join app_group g on g.id = m.app_group
        where m.app_user = u.id and g.name = any(${groupNames(organisations)}::text[])) as is_own
    from app_user u left join service_retired_user r on r.app_user = u.id
    where u.username = ${username} for update of u`.execute(db);
  return rows[0];
}

/**
 * Takes the user of an account that is removed out of service. One who has come for another
 * organisation meanwhile stays, unless an administrator asks.
 */
export async function retireUser(
  db: Executor,
  user: number,
  { domain, organisations, isSuperuser }: Omit<UserOrder, "username">,
): Promise<void> {
  await sql`
    with gone as (
      update app_user u set is_active = false
      where u.id = ${user} and u.is_active and not u.is_superuser
        and (${isSuperuser} or not exists (
          select from group_member m join app_group g on g.id = m.app_group
          where m.app_user = u.id and starts_with(g.name, ${ORGANISATION_GROUP})
            and g.name <> all(${groupNames(organisations)}::text[])))
      returning id)
    insert into service_retired_user (app_user, domain) select id, ${domain}::int from gone
    on conflict (app_user) do update set domain = excluded.domain`.execute(db);
}
