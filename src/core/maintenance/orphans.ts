import { sql } from "kysely";
import { crashPoint } from "#base/crash-points.ts";
import { removeUnusedArtifacts } from "../artifacts/commands.ts";
import type { Ctx, DomainRef, Trx } from "../ctx.ts";
import type { Job, Progress } from "../plugin-contract.ts";
import { inTransaction, whereAllowed } from "../transaction.ts";
import { type SweepPlan, scopeOf } from "./orphan-scope.ts";

const BATCH = 2000;
/** Ids follow time: the newest go first, since units can only be about older ones. */
const BEYOND_IDS = "ffffffff-ffff-ffff-ffff-ffffffffffff";
const FIRST_ID = "00000000-0000-0000-0000-000000000000";

type Count = Pick<Progress, "add" | "setTotal">;

export interface OrphanReports {
  readonly content: Count;
  readonly artifacts: Count;
}

/** Where the work is done, and what ends it. */
type Place = Pick<Job, "ctx" | "signal">;

/** Where totals are gathered: they are known batch by batch, over all domains. */
export interface OrphanTotals {
  content: number;
  artifacts: number;
  /** Units that came into use, or that something outside the core holds. */
  skipped: number;
}

export interface OrphanSweep {
  readonly domain: DomainRef;
  readonly plan: SweepPlan;
  readonly reports: OrphanReports;
  readonly totals: OrphanTotals;
}

/**
 * Removes units that no version has and that were left alone for the protection time, then
 * artifacts that nothing uses. Each batch takes two steps: lock, then look again and delete, so that
 * nobody who adds a unit meanwhile loses it (data-model §12).
 */
export async function removeOrphans(job: Place, sweep: OrphanSweep): Promise<void> {
  await removeContent(job, sweep);
  await removeArtifacts(job, sweep);
}

async function removeContent(job: Place, sweep: OrphanSweep): Promise<void> {
  const { plan, reports, totals, domain } = sweep;
  let before = BEYOND_IDS;
  for (;;) {
    job.signal.throwIfAborted();
    const { found, removed } = await removeBatch(job.ctx, domain, { plan, before });
    totals.content += found.length;
    totals.skipped += found.length - removed;
    reports.content.setTotal(totals.content);
    reports.content.add(removed);
    crashPoint("orphans.batch");
    const last = found.at(-1);
    if (last === undefined || found.length < BATCH) return;
    before = last;
  }
}

interface BatchRequest {
  readonly plan: SweepPlan;
  readonly before: string;
}

function removeBatch(
  ctx: Ctx,
  domain: DomainRef,
  { plan, before }: BatchRequest,
): Promise<{ found: string[]; removed: number }> {
  return inTransaction(ctx, undefined, async (trx) => {
    const { rows } = await sql<{ id: string }>`
      select c.id from content c
      where c.domain = ${domain.num} and c.id < ${before} and ${scopeOf(domain, plan)}
        and c.touched <= ${plan.cutoff}::timestamptz
        and not exists (
          select from membership m where m.domain = c.domain and m.content = c.id)
      order by c.id desc limit ${BATCH} for update of c skip locked`.execute(trx);
    const found = rows.map(({ id }) => id);
    const removed = found.length === 0 ? 0 : await deleteContent(trx, domain, found);
    return { found, removed };
  });
}

/** A unit that a table of a plugin holds stays; then each of the batch goes alone. */
async function deleteContent(trx: Trx, domain: DomainRef, ids: readonly string[]): Promise<number> {
  const all = await whereAllowed(trx, () => deleteUnused(trx, domain, ids));
  if (all !== undefined) return all;
  let removed = 0;
  for (const id of ids)
    removed += (await whereAllowed(trx, () => deleteUnused(trx, domain, [id]))) ?? 0;
  return removed;
}

/** A statement of its own, so that it sees everybody who committed before the rows were locked. */
async function deleteUnused(trx: Trx, domain: DomainRef, ids: readonly string[]): Promise<number> {
  const { rows } = await sql<{ removed: number }>`
    with gone as (
      delete from content c
      where c.domain = ${domain.num} and c.id = any(${ids}::uuid[])
        and not exists (
          select from membership m where m.domain = c.domain and m.content = c.id)
      returning c.id, c.type
    ), counted as (
      update content_count u set n = u.n - g.n
      from (select type, count(*) as n from gone group by type) g
      where u.domain = ${domain.num} and u.type = g.type
    ), settled as (
      delete from orphan_candidate o using gone g
      where o.domain = ${domain.num} and o.content = g.id
    )
    select count(*) as removed from gone`.execute(trx);
  return rows[0]?.removed ?? 0;
}

async function removeArtifacts(job: Place, sweep: OrphanSweep): Promise<void> {
  const { plan, reports, totals, domain } = sweep;
  let after = FIRST_ID;
  for (;;) {
    job.signal.throwIfAborted();
    const batch = await removeUnusedArtifacts(job.ctx, domain, {
      idleSeconds: plan.protectionSeconds,
      after,
      limit: BATCH,
    });
    totals.artifacts += batch.found;
    reports.artifacts.setTotal(totals.artifacts);
    reports.artifacts.add(batch.removed);
    if (batch.last === undefined || batch.found < BATCH) return;
    after = batch.last;
  }
}
