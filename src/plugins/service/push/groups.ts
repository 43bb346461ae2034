import { type Caller, type Executor, type Field, FieldProblem, sql } from "#sdk";

const MOST = 100;
const HREF = /\/groups\/(\d{1,9})\/?$|^prn:core\.group:(\d{1,9})$/;

/** Groups whose members may push, as hrefs; none is whoever may write. */
export const allowedGroups: Field = {
  schema: { type: "array", items: { type: "string", format: "uri" } },
  accepts: { type: "array", items: { type: "string" } },
  absent: () => [],
  sql: `(select coalesce(jsonb_agg(g.app_group order by g.app_group), '[]')
    from service_push_group g where g.push_repository = e.id)`,
  columns: { groups$isLimited: "e.is_limited" },
  read: (row, { root, domainEnabled }) =>
    (row.allowed_groups as readonly number[]).map(
      (id) => `${root}${domainEnabled ? "default/" : ""}api/v3/groups/${id}/`,
    ),
  async check(hrefs: readonly string[], { ctx, caller }) {
    if (hrefs.length > MOST) {
      throw new FieldProblem(`Ensure this field has no more than ${MOST} elements.`);
    }
    const ids = [...new Set(hrefs.map(idIn))];
    const known = await knownGroups(ctx.db, caller, ids);
    if (known !== ids.length) throw new FieldProblem("Invalid hyperlink - Object does not exist.");
    return ids.toSorted((a, b) => a - b);
  },
};

function idIn(href: unknown): number {
  const [, id, prnId] = HREF.exec(String(href)) ?? [];
  const found = id ?? prnId;
  if (found === undefined) throw new FieldProblem("Invalid hyperlink - No URL match.");
  return Number(found);
}

/** How many of the groups there are for somebody: tenants know those that they are members of. */
async function knownGroups(
  db: Executor,
  { user }: Caller,
  ids: readonly number[],
): Promise<number> {
  if (ids.length === 0) return 0;
  const isOwn = user?.isSuperuser
    ? sql`true`
    : sql`exists (select from group_member m where m.app_group = g.id
        and m.app_user = ${user?.id ?? null})`;
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from app_group g
    where g.id = any(${ids}::int[]) and ${isOwn}`.execute(db);
  return rows[0]?.count ?? 0;
}

/** Makes these the groups of a record. */
export async function setGroups(
  db: Executor,
  id: string,
  groups: readonly number[],
): Promise<void> {
  await sql`delete from service_push_group where push_repository = ${id}`.execute(db);
  await sql`insert into service_push_group (push_repository, app_group)
    select ${id}::uuid, unnest(${groups}::int[])`.execute(db);
}
