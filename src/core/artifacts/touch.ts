import { sql } from "kysely";
import type { DomainRef, Executor } from "../ctx.ts";

/**
 * Protects artifacts from clean-up for another while, at most hourly. A row that somebody else has
 * locked is being touched by somebody else (core-content §1.3).
 */
export async function touchArtifacts(
  db: Executor,
  domain: DomainRef,
  ids: readonly string[],
): Promise<void> {
  if (ids.length === 0) return;
  await sql`
    with stale as (
      select id from artifact
      where domain = ${domain.num} and id = any(${ids}::uuid[])
        and touched < clock_timestamp() - interval '1 hour'
      order by id for no key update skip locked)
    update artifact a set touched = clock_timestamp() from stale
    where a.domain = ${domain.num} and a.id = stale.id`.execute(db);
}
