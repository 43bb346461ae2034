import { type Executor, type Field, FieldProblem, sql } from "#sdk";
import { domainHref } from "../domain-href.ts";

const MOST = 100;
const UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
const HREF = new RegExp(
  `/rh_service_account/(${UUID})/?$|^prn:service\\.rhserviceaccount:(${UUID})$`,
);

/** Accounts of programs that may push, as hrefs; of the domain of their record. */
export const allowedAccounts: Field = {
  schema: { type: "array", items: { type: "string", format: "uri" } },
  accepts: { type: "array", items: { type: "string" } },
  absent: () => [],
  sql: `(select coalesce(jsonb_agg(a.account order by a.account), '[]')
    from service_push_account a where a.push_repository = e.id)`,
  read: (row, view) =>
    (row.allowed_service_accounts as readonly string[]).map((id) =>
      domainHref(view, view.domain, `rh_service_account/${id}/`),
    ),
  async check(hrefs: readonly string[], { ctx, caller }) {
    if (hrefs.length > MOST) {
      throw new FieldProblem(`Ensure this field has no more than ${MOST} elements.`);
    }
    const ids = [...new Set(hrefs.map(idIn))].sort();
    const { rows } = await sql<{ count: number }>`
      select count(*) as count from service_account
      where domain = ${caller.domain.num} and id = any(${ids}::uuid[])`.execute(ctx.db);
    if (rows[0]?.count !== ids.length)
      throw new FieldProblem("Invalid hyperlink - Object does not exist.");
    return ids;
  },
};

function idIn(href: unknown): string {
  const [, id, prnId] = HREF.exec(String(href)) ?? [];
  const found = id ?? prnId;
  if (found === undefined) throw new FieldProblem("Invalid hyperlink - No URL match.");
  return found;
}

/** Makes these the accounts of a record. */
export async function setAccounts(
  db: Executor,
  { id, domain }: { readonly id: string; readonly domain: number },
  accounts: readonly string[],
): Promise<void> {
  await sql`delete from service_push_account where push_repository = ${id}`.execute(db);
  await sql`insert into service_push_account (push_repository, domain, account)
    select ${id}::uuid, ${domain}::int, unnest(${accounts}::uuid[])`.execute(db);
}
