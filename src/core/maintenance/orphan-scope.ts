import { sql } from "kysely";
import type { Ctx, DomainRef } from "../ctx.ts";

/** Which units a sweep looks at. */
export interface SweepPlan {
  readonly protectionSeconds: number;
  /** Units that were touched later than this are safe. */
  readonly cutoff: string;
  /** Only these units; without it `since` decides. */
  readonly ids?: readonly string[];
  /** Only candidates, and units made since then; without it every unit of the domain. */
  readonly since?: string;
}

/** What the last sweep of a domain leaves for the next one. */
interface Watermark {
  /** Units made before this were looked at. */
  readonly seen: string;
  /** When every unit was looked at. */
  readonly full: string;
}

/** Candidates name what becomes an orphan; a look at everything is the check that none is missed. */
const FULL_EVERY_MS = 7 * 24 * 3600 * 1000;

export interface PlanRequest {
  readonly protectionSeconds: number;
  readonly ids?: readonly string[];
  /** The schedule looks at what may have changed, a person at everything. */
  readonly isScheduled: boolean;
}

export async function planSweep(
  ctx: Ctx,
  domain: DomainRef,
  { protectionSeconds, ids, isScheduled }: PlanRequest,
): Promise<SweepPlan> {
  const { rows } = await sql<{ cutoff: string; now: string; mark: Watermark | null }>`
    select clock_timestamp() - make_interval(secs => ${protectionSeconds}) as cutoff,
      clock_timestamp() as now,
      (select value from system_setting where name = ${markName(domain)}) as mark`.execute(ctx.db);
  const [found] = rows;
  if (!found) throw new Error("The database gave no time.");
  const { cutoff, now, mark } = found;
  const isRecent = mark !== null && Date.parse(now) - Date.parse(mark.full) < FULL_EVERY_MS;
  if (ids) return { protectionSeconds, cutoff, ids };
  if (isScheduled && isRecent) return { protectionSeconds, cutoff, since: mark.seen };
  return { protectionSeconds, cutoff };
}

const markName = (domain: DomainRef): string => `orphan_sweep:${domain.id}`;

/** The condition on the unit `c`. */
export function scopeOf(domain: DomainRef, { ids, since }: SweepPlan) {
  if (ids) return sql`c.id = any(${ids}::uuid[])`;
  if (since === undefined) return sql`true`;
  return sql`c.id in (
    select content from orphan_candidate where domain = ${domain.num}
    union all
    select made.id from content_type t cross join lateral (
      select n.id from content n
      where n.domain = ${domain.num} and n.type = t.num and n.created >= ${since}::timestamptz) made)`;
}

/**
 * After a sweep: candidates that are in use are none any more, units that were too fresh become
 * candidates, and the next sweep begins where this one ended.
 */
export async function rememberSweep(ctx: Ctx, domain: DomainRef, plan: SweepPlan): Promise<void> {
  if (plan.ids) return;
  await sql`
    delete from orphan_candidate o
    where o.domain = ${domain.num} and (
      exists (select from membership m where m.domain = o.domain and m.content = o.content)
      or not exists (select from content c where c.domain = o.domain and c.id = o.content))`.execute(
    ctx.db,
  );
  await sql`
    insert into orphan_candidate (domain, content)
    select c.domain, c.id from content c
    where c.domain = ${domain.num} and ${scopeOf(domain, plan)}
      and c.created <= ${plan.cutoff}::timestamptz and c.touched > ${plan.cutoff}::timestamptz
      and not exists (select from membership m where m.domain = c.domain and m.content = c.id)
    on conflict do nothing`.execute(ctx.db);
  await sql`
    insert into system_setting as s (name, value)
    values (${markName(domain)}, jsonb_build_object('seen', ${plan.cutoff}::text,
      'full', ${plan.since === undefined ? plan.cutoff : null}::text))
    on conflict (name) do update set value = s.value || jsonb_strip_nulls(excluded.value)`.execute(
    ctx.db,
  );
}
