import { type Ctx, type Executor, sql, tenancy } from "#sdk";
import { ORGANISATION_GROUP } from "../identity/org-groups.ts";
import { DOMAIN_ADMIN } from "./gathered-roles.ts";

/** A role that somebody has got by a row of `service_domain_org`. */
export interface Granted {
  readonly role: string;
  /** `user 'mara'`, `group 'rh-org-44'` */
  readonly who: string;
  /** Name of the domain. */
  readonly domain: string;
}

/** What whoever makes a domain holds on its record, which lies in no domain. */
const RECORD_OWNER = "core.domain_owner";

/** Users and groups by rows of the table `o`, and the domain `l` that each has. */
const HOLDERS = sql`
  select o.app_user as subject where o.app_user is not null
  union select -o.app_group where o.app_group is not null`;

/** The same, and the groups of organisations. */
const TENANTS = sql`${HOLDERS}
  union select -g.id from app_group g
    where btrim(o.org_id) <> '' and g.name = ${ORGANISATION_GROUP} || o.org_id`;

/**
 * Gives tenants by roles what they have by rows of `service_domain_org`: the user, the group and the
 * group of the organisation of each row everything in its domains, and the records of these. What they
 * hold already stays; nothing is taken away.
 *
 * @returns what is new, in the order of the domains.
 */
export async function grantByTenancy(db: Executor): Promise<readonly Granted[]> {
  await ensureOrganisationGroups(db);
  return grant(db, { subjects: TENANTS, where: sql`true` });
}

/**
 * The same for the maker of one domain, or the group that he made it for; his organisation gets nothing
 * by it, since where roles decide it is no tenant.
 *
 * @param domain UUID
 */
export const grantToMaker = (db: Executor, domain: string): Promise<readonly Granted[]> =>
  grant(db, { subjects: HOLDERS, where: sql`d.id = ${domain}::uuid` });

type Part = typeof HOLDERS;

async function grant(
  db: Executor,
  { subjects, where }: { readonly subjects: Part; readonly where: Part },
): Promise<readonly Granted[]> {
  const { rows } = await sql<Granted>`
    with tenant as (
      select distinct s.subject, d.num, d.id, d.name from service_domain_org o
        join service_domain_org_domain l on l.domain_org = o.id join domain d on d.num = l.domain
        cross join lateral (${subjects}) s
      where ${where}),
    inside as (
      insert into role_assignment (id, subject, role, domain)
      select gen_random_uuid(), t.subject, r.num, t.num from tenant t, role r
      where r.name = ${DOMAIN_ADMIN}
      on conflict (subject, role, domain) where object is null do nothing
      returning subject, role, domain),
    record as (
      insert into role_assignment (id, subject, role, kind, domain, object)
      select gen_random_uuid(), t.subject, r.num, k.num, 0, t.id from tenant t, role r, object_kind k
      where r.name = ${RECORD_OWNER} and k.name = 'core.domain'
      on conflict (subject, kind, domain, object, role) where object is not null do nothing
      returning subject, role, object),
    made as (
      select i.subject, i.role, t.name from inside i
        join tenant t on t.num = i.domain and t.subject = i.subject
      union all
      select c.subject, c.role, t.name from record c
        join tenant t on t.id = c.object and t.subject = c.subject)
    select r.name as role, m.name as domain,
      coalesce('user ''' || u.username || '''', 'group ''' || g.name || '''') as who
    from made m join role r on r.num = m.role left join app_user u on u.id = m.subject
      left join app_group g on g.id = -m.subject
    order by m.name, who, role`.execute(db);
  return rows;
}

async function ensureOrganisationGroups(db: Executor): Promise<void> {
  await sql`
    insert into app_group (name)
    select distinct ${ORGANISATION_GROUP} || o.org_id from service_domain_org o
      join service_domain_org_domain l on l.domain_org = o.id
    where btrim(o.org_id) <> ''
    on conflict (name) do nothing`.execute(db);
}

/**
 * `grantByTenancy` for every domain, in one transaction, so that roles can decide from the next start
 * on (service §5.4).
 *
 * @param isTrial nothing is kept; what would be new is told all the same.
 */
export async function migrateToRoles(
  ctx: Ctx,
  { isTrial }: { readonly isTrial: boolean },
): Promise<readonly Granted[]> {
  const trial = new Trial();
  try {
    return await tenancy.inTransaction(ctx, undefined, async (trx) => {
      trial.granted = await grantByTenancy(trx);
      if (isTrial) throw trial;
      return trial.granted;
    });
  } catch (error) {
    if (error !== trial) throw error;
    return trial.granted;
  } finally {
    tenancy.announceUserChange(ctx);
  }
}

/** Ends a transaction without keeping it. */
class Trial extends Error {
  granted: readonly Granted[] = [];
}
