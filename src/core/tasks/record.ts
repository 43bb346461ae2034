import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import type { Caller, Ctx, Executor, Trx } from "../ctx.ts";
import type { CreatedResource } from "../plugin-contract.ts";
import { prepared } from "../prepared.ts";
import { giveToDispatcher } from "./dispatcher-role.ts";

/** Work that a request did itself, although clients look for it among the tasks. */
export interface DoneTask {
  readonly caller: Caller;
  /** In the order in which the task names them. */
  readonly created: readonly CreatedResource[];
}

interface DoneTasks {
  /** Wire name, the same for all. */
  readonly name: string;
  readonly done: readonly DoneTask[];
}

/** Lists work as completed tasks, in the transaction that does it: nobody waits for them. */
export async function recordTasks(ctx: Ctx, tasks: DoneTasks, trx: Trx): Promise<void> {
  const { statement, ids } = doneTasks(tasks);
  await statement.execute(trx);
  await giveDone(ctx, trx, { ...tasks, ids });
}

interface ListedTasks extends DoneTasks {
  /** `task.id`s, in the same order. */
  readonly ids: readonly string[];
}

/** The statement of `recordTasks`; `giveDone` comes after it. */
export function doneTasks({ name, done }: DoneTasks) {
  const rows = done.map(({ caller }) => ({
    ...{ id: uuid7(), cid: caller.correlationId, domain: caller.domain.num },
    user_id: caller.user?.id ?? null,
  }));
  const made = done.flatMap(({ created }, index) =>
    created.map((one, at) => ({ task: rows[index]?.id, position: at + 1, ...one })),
  );
  const statement = sql`${prepared(rows.length)}
    with done as materialized (
      select * from json_to_recordset(${JSON.stringify(rows)}::json)
        as d (id uuid, cid text, domain int, user_id int)),
    listed as (
      insert into task (id, seq, domain, state, name, immediate, cid, user_id, unblocked_at,
        started_at, finished_at)
      select id, nextval('task_seq'), domain, 'completed', ${name}, true, cid, user_id,
        clock_timestamp(), clock_timestamp(), clock_timestamp() from done returning id)
    insert into created_resource (task, position, model, object, path)
    select c.task, c.position, c.model, c.object, c.path
    from json_to_recordset(${JSON.stringify(made)}::json)
      as c (task uuid, position int, model text, object text, path text)
    join listed l on l.id = c.task`;
  return { statement, ids: rows.map(({ id }) => id) };
}

/** Lets those whose work it was see the tasks. */
export async function giveDone(
  ctx: Ctx,
  db: Executor,
  { name, done, ids }: ListedTasks,
): Promise<void> {
  for (const [index, { caller }] of done.entries()) {
    await giveToDispatcher(ctx, db, { caller, id: ids[index] ?? "" });
  }
  ctx.metrics.count("deckle_tasks_dispatched_total", { name }, done.length);
}
