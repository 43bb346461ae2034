import { sql } from "kysely";
import type { Ctx } from "../ctx.ts";

/** Advisory lock `(0, 74)` of the process that measures the queue (core-tasks-ops §5.1). */
const TRY_LOCK = sql<boolean>`pg_try_advisory_xact_lock(0, 74)`;

/** Tells the other workers that the queue was measured just now. */
export const MEASURED_CHANNEL = "pulp_worker_metrics_heartbeat";

interface QueueReading {
  readonly unblocked: number;
  readonly longest: number;
  readonly parallel: number;
  readonly workers: number;
}

/** Tasks count once they have waited so long, since a healthy queue is never empty. */
const STALLED = sql`clock_timestamp() - interval '5 seconds'`;

/**
 * Measures the queue, unless another process does so now.
 *
 * @returns whether it did
 */
export async function measureQueue(ctx: Ctx): Promise<boolean> {
  const reading = await ctx.db.transaction().execute(async (trx) => {
    const lock = await sql<{ isOurs: boolean }>`select ${TRY_LOCK} as "isOurs"`.execute(trx);
    if (!lock.rows[0]?.isOurs) return undefined;
    const { rows } = await sql<QueueReading>`
      select
        (count(*) filter (where t.state = 'waiting' and t.unblocked_at < ${STALLED}))::int
          as unblocked,
        coalesce(extract(epoch from clock_timestamp() - min(t.unblocked_at)
          filter (where t.state = 'waiting' and t.unblocked_at < ${STALLED})), 0)::float8 as longest,
        (count(*) filter (where t.created < ${STALLED}))::int as parallel,
        (select count(*) from app_process where kind = 'worker'
          and last_heartbeat + make_interval(secs => ttl_seconds) >= clock_timestamp())::int
          as workers
      from task_queue q join task t on t.id = q.task
      where q.pending = 0 and not q.parked`.execute(trx);
    return rows[0];
  });
  if (!reading) return false;
  const { metrics } = ctx;
  metrics.gauge("pulp_tasks_unblocked_queue", reading.unblocked);
  metrics.gauge("pulp_tasks_longest_unblocked_time_seconds", reading.longest);
  metrics.gauge("pulp_waiting_tasks", reading.parallel - reading.workers);
  ctx.notifier.notify(MEASURED_CHANNEL, new Date(ctx.clock.now()).toISOString());
  return true;
}
