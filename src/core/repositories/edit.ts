import { sql } from "kysely";
import type { Trx } from "../ctx.ts";
import type { Draft } from "../plugin-contract.ts";
import type { OverwriteConflict } from "./errors.ts";
import { isOpen, isPresent } from "./queries.ts";
import type { VersionEdit, VersionRange } from "./types.ts";

/** An edit of a fresh draft: nothing is both removed and added; the base is found. */
export interface DraftEdit {
  readonly draft: Draft;
  readonly edit: VersionEdit;
  readonly base?: VersionRange;
}

export interface CloseResult {
  /** Added ids without a unit in the domain. */
  readonly missing: readonly string[] | null;
  /** Added units that share a slot with another added unit. */
  readonly duplicates: number;
  /** Members that added units push out; only looked for when that is not allowed. */
  readonly conflicts: readonly (OverwriteConflict & { readonly type: number })[];
}

/** The added units: `id, type, slot`. */
const wantedUnits = ({ draft, edit }: DraftEdit) => sql`
  select id, type, slot from content
  where domain = ${draft.repository.domain} and id = any(${edit.add}::uuid[])`;

/** Whether a unit is removed by the edit; `*` is told by the rows of the latest version. */
const isRemoved = ({ draft, edit }: DraftEdit, unit: string) =>
  edit.remove === "*"
    ? sql`exists (select from membership x where x.repository = ${draft.repository.num}
        and x.content = ${sql.ref(unit)} and x.added < ${draft.n} and x.removed >= ${draft.n})`
    : sql`${sql.ref(unit)} = any(${edit.remove}::uuid[])`;

/** Members of the base that stay: neither removed nor added by name, their slot not taken. */
const baseUnits = (change: DraftEdit, base: VersionRange) => sql`
  select b.content as id, b.type, b.slot from membership b
  where ${isPresent("b", base)} and b.content <> all(${change.edit.add}::uuid[])
    and not ${isRemoved(change, "b.content")}
    and not exists (select from wanted w where w.slot = b.slot)`;

/** Open rows of the predecessor that end with this version: `content, added`. */
function goingRows(change: DraftEdit) {
  const { draft, edit, base } = change;
  const open = sql`m.repository = ${draft.repository.num} and ${isOpen("m")}
    and m.content <> all(${edit.add}::uuid[])`;
  const pushedOut = sql`
    select g.content, g.added from wanted w cross join lateral (
      select m.content, m.added from membership m
      where ${open} and m.slot = w.slot and m.content <> w.id offset 0) g`;
  if (base) {
    return sql`select m.content, m.added from membership m
      where ${open} and not exists (select from base_units b where b.id = m.content)`;
  }
  const removed = edit.remove === "*" ? sql`true` : sql`m.content = any(${edit.remove}::uuid[])`;
  return sql`select m.content, m.added from membership m where ${open} and ${removed}
    union ${pushedOut}`;
}

/** Units of base or latest that an added unit would replace, as a JSON list. */
function conflictList(change: DraftEdit) {
  const { draft, edit, base } = change;
  if (edit.overwrite !== false) return sql`'[]'::jsonb`;
  const from = base
    ? isPresent("m", base)
    : sql`m.repository = ${draft.repository.num} and ${isOpen("m")}`;
  return sql`(select coalesce(jsonb_agg(jsonb_build_object(
      'incoming', w.id, 'existing', g.content, 'type', w.type) order by w.id), '[]')
    from wanted w cross join lateral (
      select m.content from membership m
      where ${from} and m.slot = w.slot and m.content <> w.id offset 0) g
    where not ${isRemoved(change, "g.content")})`;
}

/** Ends the rows of units that go, and holds the added units against clean-up; one statement. */
export async function closeForEdit(trx: Trx, change: DraftEdit): Promise<CloseResult> {
  const { draft, edit, base } = change;
  const baseRows = base ? sql`, base_units as materialized (${baseUnits(change, base)})` : sql``;
  const { rows } = await sql<CloseResult>`
    with wanted as materialized (${wantedUnits(change)} order by id for key share)${baseRows},
    going as materialized (${goingRows(change)}),
    closed as (
      update membership m set removed = ${draft.n} from going g
      where m.repository = ${draft.repository.num} and m.content = g.content and m.added = g.added)
    select (select array_agg(u.id) from unnest(${edit.add}::uuid[]) as u (id)
        where not exists (select from wanted w where w.id = u.id)) as missing,
      (select count(slot) - count(distinct slot) from wanted) as duplicates,
      ${conflictList(change)} as conflicts`.execute(trx);
  return rows[0] ?? { missing: null, duplicates: 0, conflicts: [] };
}

/** Adds the units that are no members; after `closeForEdit`, which freed their slots. */
export async function insertForEdit(trx: Trx, change: DraftEdit): Promise<void> {
  const { draft, base } = change;
  const ofBase = base ? sql`union all ${baseUnits(change, base)}` : sql``;
  await sql`
    with wanted as materialized (${wantedUnits(change)})
    insert into membership (repository, added, domain, type, slot, content)
    select ${draft.repository.num}::int, ${draft.n}::int, ${draft.repository.domain}::int,
      u.type, u.slot, u.id
    from (select id, type, slot from wanted ${ofBase}) u
    where not exists (
      select from membership m where m.repository = ${draft.repository.num}
        and m.content = u.id and ${isOpen("m")})
    order by u.id`.execute(trx);
}
