import type { JsonObject } from "#base/json.ts";
import { type Ctx, sql } from "#sdk";
import { createdTime } from "./queued-task.ts";

const MOST = 100;

/** A task that goes before another one. */
export interface Blocker {
  readonly task_id: string;
  readonly state: string;
  readonly name: string;
  readonly pulp_created: string;
  /** As the record of the blocking task has them. */
  readonly overlapping_resources: readonly string[];
  readonly app_lock: string | null;
}

/** Incomplete tasks before this one with which it shares a resource that one of them has alone. */
export async function blockersOf({ db }: Ctx, id: string): Promise<readonly Blocker[]> {
  const { rows } = await sql<Blocker>`
    with me as (
      select q.seq, q.task, w.key, w.excl from task_queue q, unnest(q.keys, q.excl) as w (key, excl)
      where q.task = ${id} and q.owner is null)
    select t.id as task_id, t.state, t.name, ${createdTime}, p.name as app_lock,
      array(select r from unnest(t.resources) r where ltrim(replace(r, 'shared:', '')) in (
        select replace(x, 'shared:', '') from task own, unnest(own.resources) x where own.id = ${id})
        order by r) as overlapping_resources
    from task_queue o join task t on t.id = o.task left join app_process p on p.id = o.owner
    where exists (select from me, unnest(o.keys, o.excl) as h (key, excl)
      where o.seq < me.seq and h.key = me.key and (h.excl or me.excl))
    order by o.seq limit ${MOST}`.execute(db);
  return rows;
}

/** How many tasks that nobody has taken are before it. */
export async function positionOf({ db }: Ctx, id: string): Promise<number> {
  const { rows } = await sql<{ older: number }>`
    select count(*)::int as older from task_queue o, task_queue q
    where q.task = ${id} and o.seq < q.seq and o.owner is null`.execute(db);
  return rows[0]?.older ?? 0;
}

/** Whether the order of the queue holds it back (service §10.2). */
export function fifoAnalysis(blockers: readonly Blocker[]): JsonObject {
  const resources = [...new Set(blockers.flatMap((row) => row.overlapping_resources))];
  const shared = resources.filter((name) => name.startsWith("shared:")).length;
  const sizes = {
    fifo_blocked_exclusive_set_size: resources.length - shared,
    fifo_blocked_shared_set_size: shared,
  };
  if (blockers.length === 0) {
    const reason = "No earlier task needs its resources.";
    return { is_fifo_blocked: false, reason, ...sizes };
  }
  return {
    is_fifo_blocked: true,
    blocked_resources: resources,
    blocking_task_ids: blockers.slice(0, 10).map((row) => row.task_id),
    ...sizes,
  };
}
