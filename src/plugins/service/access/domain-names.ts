import type { Ctx, Executor } from "#sdk";
import { isReserved, refuseReserved } from "../domains/reserved-names.ts";
import type { Question } from "./permission.ts";

const CHANGES: ReadonlySet<string> = new Set(["update", "partial_update"]);

/**
 * Domains get no name that is kept from their makers, either; one that has it may keep it.
 *
 * @throws `ValidationError` (400)
 */
export async function keepNames(
  { db }: Pick<Ctx, "db">,
  { viewset, action, key, facts }: Question,
): Promise<void> {
  if (viewset !== "domains" || key === undefined || !CHANGES.has(action)) return;
  const name = await facts.value("name");
  if (isReserved(name) && name !== (await domainName(db, key))) refuseReserved(name);
}

/** @param id UUID; empty if there is no such domain. */
export async function domainName(db: Executor, id: string): Promise<string> {
  const row = await db.selectFrom("domain").select("name").where("id", "=", id).executeTakeFirst();
  return row?.name ?? "";
}
