import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import type { DomainRef, Executor } from "../ctx.ts";

/** What a store announces before it places bytes, so that a crash leaves nothing unknown. */
export interface Announced {
  readonly object: string;
  /**
   * Which intent it is. While the row with this reason exists, nobody has removed the object since
   * the announcement: intents become due an hour later, and a removed one comes back under a new
   * reason.
   */
  readonly reason: string;
}

/** A store that takes longer than this announces again. */
export const INTENT_TRUST_MS = 30 * 60 * 1000;

/** Announces objects that are about to be placed. */
export async function announceObjects(
  db: Executor,
  domain: DomainRef,
  objects: readonly string[],
): Promise<Announced[]> {
  const { rows } = await sql<Announced>`
    insert into storage_intent (domain, object, reason, not_before)
    select ${domain.num}, object, ${newReason("store")}, clock_timestamp() + interval '1 hour'
    from unnest(${objects.toSorted()}::text[]) as wanted (object)
    on conflict (domain, object) do update
      set not_before = greatest(storage_intent.not_before, excluded.not_before)
    returning object, reason`.execute(db);
  return rows;
}

/**
 * Hands objects whose rows are deleted in the same transaction to the sweeper. A store that has
 * announced the same object keeps its hour.
 */
export async function announceRemovals(
  db: Executor,
  domain: DomainRef,
  objects: readonly string[],
): Promise<void> {
  if (objects.length === 0) return;
  await sql`
    insert into storage_intent (domain, object, reason, not_before)
    select ${domain.num}, object, ${newReason("delete")}, clock_timestamp()
    from unnest(${objects.toSorted()}::text[]) as gone (object)
    on conflict do nothing`.execute(db);
}

export const newReason = (kind: "store" | "delete"): string => `${kind}:${uuid7()}`;
