import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import type { Caller, Ctx, Trx } from "../ctx.ts";
import type { CreatedResource } from "../plugin-contract.ts";
import { prepared } from "../prepared.ts";
import { giveToDispatcher } from "./dispatcher-role.ts";

/** Work that a request did itself, although clients look for it among the tasks. */
export interface DoneTask {
  readonly caller: Caller;
  readonly created: CreatedResource;
}

/**
 * Lists work as completed tasks, in the transaction that does it: nobody waits for them and no
 * worker sees them.
 *
 * @param name wire name, the same for all.
 */
export async function recordTasks(
  ctx: Ctx,
  { name, done }: { readonly name: string; readonly done: readonly DoneTask[] },
  trx: Trx,
): Promise<void> {
  const rows = done.map(({ caller, created }) => ({
    ...{ id: uuid7(), cid: caller.correlationId, domain: caller.domain.num },
    ...{ user_id: caller.user?.id ?? null, ...created },
  }));
  await sql`${prepared(rows.length)}
    with done as materialized (
      select * from json_to_recordset(${JSON.stringify(rows)}::json)
        as d (id uuid, cid text, domain int, user_id int, model text, object text, path text)),
    listed as (
      insert into task (id, seq, domain, state, name, immediate, cid, user_id, unblocked_at,
        started_at, finished_at)
      select id, nextval('task_seq'), domain, 'completed', ${name}, true, cid, user_id,
        clock_timestamp(), clock_timestamp(), clock_timestamp() from done returning id)
    insert into created_resource (task, position, model, object, path)
    select d.id, 1, d.model, d.object, d.path from done d join listed using (id)`.execute(trx);
  for (const [index, { caller }] of done.entries()) {
    await giveToDispatcher(ctx, trx, { caller, id: rows[index]?.id ?? "" });
  }
  ctx.metrics.count("deckle_tasks_dispatched_total", { name }, done.length);
}
