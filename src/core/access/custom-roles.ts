import { sql } from "kysely";
import { fieldError, ValidationError } from "#base/errors.ts";
import { uuid7 } from "#base/uuid7.ts";
import { type ConstraintTable, rethrow } from "../constraints.ts";
import type { Ctx, Trx } from "../ctx.ts";
import { inTransaction } from "../transaction.ts";
import { accessErrors } from "./errors.ts";
import { allPermissions } from "./locked-roles.ts";
import type { RoleValues } from "./types.ts";
import { announceUserChange } from "./user-changes.ts";

const constraints: ConstraintTable = {
  role_name: () => fieldError("name", "This field must be unique."),
};

/** @throws `ValidationError` that names every text that is no permission. */
function checkPermissions({ plugins }: Ctx, permissions: readonly string[]): void {
  const known = allPermissions(plugins);
  const problems = permissions.flatMap((text) => {
    if (!/^[^.]+\.[^.]+$/.test(text)) {
      return [`Permission '${text}' is not in the format '<app_label>.<codename>'.`];
    }
    return known.has(text) ? [] : [`Permission '${text}' does not exist.`];
  });
  if (problems.length > 0) throw new ValidationError({ permissions: problems });
}

/**
 * Makes a role; returns its id.
 *
 * @throws `ValidationError` if the name is taken or a permission is none.
 */
export async function createRole(
  ctx: Ctx,
  { permissions = [], ...values }: RoleValues & { readonly name: string },
): Promise<string> {
  checkPermissions(ctx, permissions);
  const id = uuid7();
  await inTransaction(ctx, undefined, async (trx) => {
    const { num } = await trx
      .insertInto("role")
      .values({ id, description: null, ...values })
      .returning("num")
      .executeTakeFirstOrThrow();
    await addPermissions(trx, num, permissions);
  }).catch(rethrow(constraints));
  return id;
}

/**
 * Changes what is given.
 *
 * @throws `accessErrors.locked`, and as `createRole`.
 */
export async function updateRole(
  ctx: Ctx,
  id: string,
  { permissions, ...values }: RoleValues,
): Promise<void> {
  if (permissions) checkPermissions(ctx, permissions);
  await inTransaction(ctx, undefined, async (trx) => {
    const role = await trx
      .updateTable("role")
      .set({ ...values, updated: sql`clock_timestamp()` })
      .where("id", "=", id)
      .where("locked", "=", false)
      .returning("num")
      .executeTakeFirst();
    if (!role) throw accessErrors.locked();
    if (!permissions) return;
    await trx.deleteFrom("role_permission").where("role", "=", role.num).execute();
    await addPermissions(trx, role.num, permissions);
  }).catch(rethrow(constraints));
  announceUserChange(ctx);
}

const addPermissions = (trx: Trx, role: number, permissions: readonly string[]) =>
  sql`insert into role_permission (role, permission)
    select distinct ${role}::int, p from unnest(${permissions}::text[]) as w (p)`.execute(trx);

/** Removes a role from everybody who holds it. @throws `accessErrors.locked`. */
export async function deleteRole(ctx: Ctx, id: string): Promise<void> {
  const { rows } = await sql`delete from role where id = ${id} and not locked returning id`.execute(
    ctx.db,
  );
  if (rows.length === 0) throw accessErrors.locked();
  announceUserChange(ctx);
}
