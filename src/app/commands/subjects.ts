import type { Ctx } from "#core/ctx.ts";
import { appErrors } from "../errors.ts";

/** Whom a command is about. */
export interface Subject {
  /** User id, or minus the group id. */
  readonly num: number;
  readonly kind: "user" | "group";
  readonly name: string;
}

/**
 * The one that `--user` or `--group` names.
 *
 * @throws `appErrors.usage` unless it is exactly one of them, and exists.
 */
export async function subjectOf(
  { db }: Ctx,
  { user, group }: Readonly<Record<string, string | undefined>>,
): Promise<Subject> {
  if ((user === undefined) === (group === undefined)) {
    throw appErrors.usage("Give either --user NAME or --group NAME.");
  }
  if (group !== undefined) {
    const row = await db
      .selectFrom("app_group")
      .select("id")
      .where("name", "=", group)
      .executeTakeFirst();
    if (!row) throw appErrors.usage(`group '${group}' does not exist`);
    return { num: -row.id, kind: "group", name: group };
  }
  const name = user ?? "";
  const row = await db
    .selectFrom("app_user")
    .select("id")
    .where("username", "=", name)
    .executeTakeFirst();
  if (!row) throw appErrors.usage(`user '${name}' does not exist`);
  return { num: row.id, kind: "user", name };
}
