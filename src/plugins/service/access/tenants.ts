import { type Caller, type Ctx, type Executor, sql } from "#sdk";
import { callerOrganisation } from "../identity/claims.ts";

/** Who asks, as rows of `service_domain_org` name it. */
export interface Tenant {
  /** User id and minus the ids of the groups; empty for strangers. */
  readonly subjects: readonly number[];
  readonly organisation: string | undefined;
}

export const tenantOf = (
  caller: Caller,
  { subjects }: { readonly subjects: readonly number[] },
): Tenant => ({ subjects, organisation: callerOrganisation(caller) });

const isTenantOf = (tenant: string) =>
  `exists (select from service_domain_org o
    join service_domain_org_domain l on l.domain_org = o.id
    where l.domain = d.num and ${tenant})`;

const GIVEN = "(o.app_user = any($2::int[]) or -o.app_group = any($2::int[]) or o.org_id = $3)";

const byNumber = {
  name: "tenant of domain",
  text: `select ${isTenantOf(GIVEN)} as has from domain d where d.num = $1`,
};
const byId = {
  name: "tenant of domain by id",
  text: `select ${isTenantOf(GIVEN)} as has from domain d where d.id = $1`,
};

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/**
 * Whether somebody has a domain: reads and writes everything in it (service §5.1).
 *
 * @param domain number, or UUID; one that is not there is nobody's.
 */
export async function hasDomain(
  { hot }: Pick<Ctx, "hot">,
  domain: number | string,
  { subjects, organisation }: Tenant,
): Promise<boolean> {
  if (typeof domain === "string" && !UUID.test(domain)) return false;
  const query = typeof domain === "number" ? byNumber : byId;
  const values = [domain, subjects, organisation ?? null];
  const [row] = await hot.query<{ has: boolean }>(query, values);
  return row?.has === true;
}

/** Domains that somebody has, or may read by the groups of `names`; `e` is `domain`. */
export const seenDomains = (
  { subjects, organisation }: Tenant,
  names: readonly string[],
) => sql<unknown>`(e.name = any(${names}::text[]) or exists (select from service_domain_org o
  join service_domain_org_domain l on l.domain_org = o.id where l.domain = e.num
    and (o.app_user = any(${subjects}::int[]) or -o.app_group = any(${subjects}::int[])
      or o.org_id = ${organisation ?? null})))`;

/** Who gets a domain: exactly one of user and group, beside the organisation. */
export interface DomainLink {
  /** UUID */
  readonly domain: string;
  readonly organisation: string | undefined;
  readonly user?: number;
  readonly group?: number;
}

/** Gives a domain to its maker. */
export async function linkDomain(db: Executor, link: DomainLink): Promise<void> {
  await sql`
    with made as (insert into service_domain_org (org_id, app_user, app_group)
      values (${link.organisation ?? null}, ${link.user ?? null}, ${link.group ?? null}) returning id)
    insert into service_domain_org_domain (domain_org, domain)
    select made.id, d.num from made, domain d where d.id = ${link.domain}::uuid`.execute(db);
}

/** The first group of a user, in the order of the names, that is no group of an organisation. */
export async function ownGroup(db: Executor, user: number): Promise<number | undefined> {
  const { rows } = await sql<{ id: number }>`
    select g.id from group_member m join app_group g on g.id = m.app_group
    where m.app_user = ${user} and not starts_with(g.name, 'rh-org-')
    order by g.name limit 1`.execute(db);
  return rows[0]?.id;
}
