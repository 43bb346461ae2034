import { fieldError } from "#base/errors.ts";
import { uuid7 } from "#base/uuid7.ts";
import { type Ctx, type Executor, sql, tenancy } from "#sdk";
import { canonicalDn } from "../identity/subject-dn.ts";
import { accountUser, retireUser, type UserOrder } from "./account-user.ts";
import { dnDigest } from "./dn-digest.ts";

/** What clients say about an account. */
export interface AccountValues {
  readonly name: string;
  readonly description: string | null;
  readonly labels: unknown;
  readonly subjectDn: string;
  readonly organisation: string | null;
  readonly isEnabled: boolean;
  readonly expiresAt: string | null;
  /** The account's user has the domain. */
  readonly hasDomain: boolean;
}

/** Who makes or changes an account, and where. */
export type Author = Pick<UserOrder, "domain" | "organisations" | "isSuperuser">;

const UNIQUE = "This field must be unique.";

/** Canonical form of a name that was checked before. */
function canonical(subjectDn: string): string {
  const form = canonicalDn(subjectDn);
  if (form === undefined) throw fieldError("subject_dn", "Enter a distinguished name.");
  return form;
}

/**
 * Makes an account, its user, and the row that gives the user the domain.
 *
 * @throws `ValidationError` for a name or subject that is taken.
 */
export async function addAccount(
  db: Executor,
  values: AccountValues,
  author: Author,
): Promise<{ readonly id: string; readonly isNewUser: boolean }> {
  const id = uuid7();
  const form = canonical(values.subjectDn);
  await oneAfterAnother(db);
  const { rows } = await sql`
    insert into service_account (id, domain, name, description, labels, subject_dn, canonical_dn,
      dn_digest, org_id, enabled, expires_at, domain_access)
    values (${id}, ${author.domain}, ${values.name}, ${values.description},
      ${JSON.stringify(values.labels)}, ${values.subjectDn}, ${form}, ${dnDigest(form)},
      ${values.organisation}, ${values.isEnabled}, ${values.expiresAt}, ${values.hasDomain})
    on conflict do nothing returning id`.execute(db);
  if (rows.length === 0) throw await takenField(db, values, { ...author, id });
  const user = await accountUser(db, { ...author, username: values.subjectDn });
  await sql`update service_account set app_user = ${user.id} where id = ${id}`.execute(db);
  await keepDomainAccess(db, id);
  return { id, isNewUser: user.isNew };
}

/** Until the end of the transaction nobody else takes a name or a subject. */
const oneAfterAnother = (db: Executor) =>
  sql`select pg_advisory_xact_lock(hashtext('service_account'))`.execute(db);

/** Which of the unique fields another account has. */
async function takenField(
  db: Executor,
  { name }: Pick<AccountValues, "name">,
  { domain, id }: Pick<Author, "domain"> & { readonly id: string },
): Promise<Error> {
  const { rows } = await sql`select from service_account
    where domain = ${domain} and name = ${name} and id <> ${id}`.execute(db);
  return fieldError(rows.length > 0 ? "name" : "subject_dn", UNIQUE);
}

export interface StoredAccount {
  readonly id: string;
  readonly subject_dn: string;
  readonly org_id: string | null;
  readonly app_user: number | null;
  readonly domain_org: number | null;
}

async function lockedAccount(db: Executor, id: string): Promise<StoredAccount | undefined> {
  const { rows } = await sql<StoredAccount>`
    select id, subject_dn, org_id, app_user, domain_org from service_account
    where id = ${id} for update`.execute(db);
  return rows[0];
}

/** As `addAccount`; another subject is another user, and the user of before is out of service. */
export async function changeAccount(
  db: Executor,
  id: string,
  { values, author }: { readonly values: AccountValues; readonly author: Author },
): Promise<void> {
  await oneAfterAnother(db);
  const before = await lockedAccount(db, id);
  if (!before) return;
  const form = canonical(values.subjectDn);
  const { rows } = await sql`select from service_account
    where id <> ${id} and (dn_digest = ${dnDigest(form)}
      or (domain = ${author.domain} and name = ${values.name}))`.execute(db);
  if (rows.length > 0) throw await takenField(db, values, { ...author, id });
  await sql`
    update service_account set name = ${values.name}, description = ${values.description},
      labels = ${JSON.stringify(values.labels)}, subject_dn = ${values.subjectDn},
      canonical_dn = ${form}, dn_digest = ${dnDigest(form)}, org_id = ${values.organisation},
      enabled = ${values.isEnabled}, expires_at = ${values.expiresAt},
      domain_access = ${values.hasDomain}, updated = clock_timestamp()
    where id = ${id}`.execute(db);
  if (values.subjectDn !== before.subject_dn) {
    const user = await accountUser(db, { ...author, username: values.subjectDn });
    await sql`update service_account set app_user = ${user.id} where id = ${id}`.execute(db);
    if (before.app_user !== null) await retireUser(db, before.app_user, author);
  }
  await keepDomainAccess(db, id);
}

/** Gives the user the domain, or takes it, as the account says. */
async function keepDomainAccess(db: Executor, id: string): Promise<void> {
  await sql`
    delete from service_domain_org o using service_account a
    where a.id = ${id} and o.id = a.domain_org
      and (not a.domain_access or o.app_user is distinct from a.app_user)`.execute(db);
  await sql`
    with account as (select * from service_account where id = ${id} and domain_access
        and app_user is not null and domain_org is null),
    link as (insert into service_domain_org (app_user) select app_user from account returning id),
    domains as (insert into service_domain_org_domain (domain_org, domain)
      select link.id, account.domain from link, account)
    update service_account s set domain_org = link.id from link where s.id = ${id}`.execute(db);
}

/** Removes an account and what it gave its user, who stays without being let in. */
export const removeAccount = (ctx: Ctx, id: string, author: Author): Promise<void> =>
  tenancy.inTransaction(ctx, undefined, async (trx) => {
    const account = await lockedAccount(trx, id);
    if (!account) return;
    await sql`delete from service_account where id = ${id}`.execute(trx);
    await sql`delete from service_domain_org where id = ${account.domain_org}`.execute(trx);
    const own = account.org_id === null ? [] : [account.org_id];
    const organisations = [...author.organisations, ...own];
    if (account.app_user !== null)
      await retireUser(trx, account.app_user, { ...author, organisations });
  });

export const enableAccount = (db: Executor, id: string, isEnabled: boolean) =>
  sql`update service_account set enabled = ${isEnabled}, updated = clock_timestamp()
    where id = ${id} and enabled <> ${isEnabled}`.execute(db);
