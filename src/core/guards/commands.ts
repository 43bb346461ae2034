import { sql } from "kysely";
import { fieldError } from "#base/errors.ts";
import { uuid7 } from "#base/uuid7.ts";
import { rethrow } from "../constraints.ts";
import type { Ctx, Trx } from "../ctx.ts";
import { insertDetail, updateDetail } from "../detail.ts";
import { announce, announceAfterCommit } from "../distributions/commands.ts";
import { inTransaction } from "../transaction.ts";
import { guardConstraints, guardErrors, ownMember } from "./errors.ts";
import type { GuardKey, GuardPatch, NewGuard } from "./types.ts";

export { signedArtifactPath } from "./signed-artifacts.ts";

/**
 * Makes a guard.
 *
 * @returns the id of the guard.
 * @throws `ValidationError` if the name is taken or a member is gone.
 */
export async function createGuard(ctx: Ctx, input: NewGuard, trx?: Trx): Promise<string> {
  const { domain, type, name, description = null, detail, members = [] } = input;
  const id = uuid7();
  const work = async (t: Trx): Promise<void> => {
    await t
      .insertInto("content_guard")
      .values({ id, domain: domain.num, type, name, description })
      .execute();
    if (detail) await insertDetail(t, detail.table, { id, domain: domain.num, ...detail.row });
    await insertMembers(t, { domain, id }, members);
  };
  await inTransaction(ctx, trx, work).catch(rethrow(guardConstraints));
  return id;
}

/**
 * Finds a guard by its name, or makes it: two who need the same one at a time get one.
 *
 * @returns the id of the guard.
 */
export async function ensureGuard(
  trx: Trx,
  { domain, type, name, description = null }: NewGuard,
): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    with made as (
      insert into content_guard (id, domain, type, name, description)
      values (${uuid7()}, ${domain.num}, ${type}, ${name}, ${description})
      on conflict do nothing returning id)
    select id from made
    union all select id from content_guard
      where domain = ${domain.num} and type = ${type} and name = ${name}`.execute(trx);
  const [found] = rows;
  if (found) return found.id;
  // Another transaction made it after this statement began; it has ended by now.
  const guard = await trx
    .selectFrom("content_guard")
    .select("id")
    .where("domain", "=", domain.num)
    .where("name", "=", name)
    .where("type", "=", type)
    .executeTakeFirst();
  if (!guard) throw fieldError("content_guard", `Another content guard is named '${name}'.`);
  return guard.id;
}

/**
 * Changes what is given; the distributions that the guard protects, also through composites, are
 * decided anew from the commit on.
 *
 * @throws `ValidationError` as `createGuard`, or if a composite would contain itself;
 *   `guardErrors.gone`.
 */
export async function updateGuard(
  ctx: Ctx,
  { domain, id }: GuardKey,
  { name, description, detail, members }: GuardPatch,
): Promise<void> {
  const work = async (trx: Trx): Promise<readonly string[]> => {
    const { numUpdatedRows } = await trx
      .updateTable("content_guard")
      .set({ name, description, updated: sql`clock_timestamp()` })
      .where("domain", "=", domain.num)
      .where("id", "=", id)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) throw guardErrors.gone();
    if (detail) await updateDetail(trx, detail.table, { id, values: detail.row });
    if (members) await replaceMembers(trx, { domain, id }, members);
    return announce(trx, domain, { guard: id });
  };
  const changed = await ctx.db.transaction().execute(work).catch(rethrow(guardConstraints));
  announceAfterCommit(ctx, domain, changed);
}

/** Deletes a guard; what it alone protected is public from then on (core-rest §8.8). */
export async function deleteGuard(ctx: Ctx, { domain, id }: GuardKey): Promise<void> {
  const changed = await ctx.db.transaction().execute(async (trx) => {
    const affected = await announce(trx, domain, { guard: id });
    const { numDeletedRows } = await trx
      .deleteFrom("content_guard")
      .where("domain", "=", domain.num)
      .where("id", "=", id)
      .executeTakeFirst();
    if (numDeletedRows === 0n) throw guardErrors.gone();
    return affected;
  });
  announceAfterCommit(ctx, domain, changed);
}

async function replaceMembers(trx: Trx, key: GuardKey, members: readonly string[]): Promise<void> {
  const { domain, id } = key;
  const { rows } = await sql`
    with recursive below (id) as (
      select unnest(${members}::uuid[])
      union
      select m.guard from composite_guard_member m join below b on m.composite = b.id
      where m.domain = ${domain.num})
    select from below where id = ${id}`.execute(trx);
  if (rows.length > 0) throw ownMember();
  await trx
    .deleteFrom("composite_guard_member")
    .where("domain", "=", domain.num)
    .where("composite", "=", id)
    .execute();
  await insertMembers(trx, key, members);
}

async function insertMembers(
  trx: Trx,
  { domain, id }: GuardKey,
  members: readonly string[],
): Promise<void> {
  if (members.length === 0) return;
  const rows = members.map((guard, position) => ({
    ...{ domain: domain.num, composite: id },
    ...{ position, guard },
  }));
  await trx.insertInto("composite_guard_member").values(rows).execute();
}
