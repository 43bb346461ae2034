import { randomUUID } from "node:crypto";
import { type Call, dispatch, sql } from "#sdk";
import { isAdmin } from "../access/audiences.ts";
import { serviceSettingsOf } from "../settings.ts";
import { json, numberIn, type Outcome, operation } from "./endpoint.ts";
import { operationErrors } from "./errors.ts";
import { noOp } from "./tasks.ts";

const MOST_SECONDS = 25;
const LOCKS = 3;

/** Dispatches tasks that do nothing for some seconds, each alone with what is chosen for it. */
async function ingest(call: Call, choose: () => string): Promise<Outcome> {
  const { ctx, caller } = call;
  if (!serviceSettingsOf(ctx).TEST_TASK_INGESTION) throw operationErrors.off();
  const seconds = numberIn(call, "timeout", {
    ...{ least: 1, most: MOST_SECONDS, otherwise: MOST_SECONDS },
  });
  const end = performance.now() + seconds * 1000;
  let executed = 0;
  const isWanted = () => performance.now() < end && !call.request.raw.socket.destroyed;
  while (isWanted()) {
    await dispatch(ctx, { task: noOp, input: {}, caller, exclusive: [choose()], immediate: false });
    executed += 1;
  }
  return json(200, { tasks_executed: executed });
}

export const testTasks = operation({
  path: "/api/pulp/test/tasks/",
  title: "Measure how fast tasks are taken",
  isPublic: true,
  run: (call) => ingest(call, randomUUID),
});

export const testLockedTasks = operation({
  path: "/api/pulp/test/random_lock_tasks/",
  title: "Measure how fast tasks are taken that wait for each other",
  isPublic: true,
  run: (call) => {
    const locks = Array.from({ length: LOCKS }, randomUUID);
    return ingest(call, () => locks[Math.floor(Math.random() * LOCKS)] ?? "");
  },
});

/** Triggers of the table of tasks, with their functions. */
export const databaseTriggers = operation({
  path: "/api/pulp/debug/database-triggers/",
  title: "Show the triggers of the task table",
  admits: isAdmin,
  async run(call) {
    const { rows } = await sql<Record<string, string>>`
      select tgname as trigger_name, 'core_task' as table_name,
        case when tgtype & 1 = 1 then 'ROW' else 'STATEMENT' end as trigger_level,
        case when tgtype & 2 = 2 then 'BEFORE' else 'AFTER' end as trigger_timing,
        array_to_string(array_remove(array[
          case when tgtype & 4 = 4 then 'INSERT' end, case when tgtype & 16 = 16 then 'UPDATE' end,
          case when tgtype & 8 = 8 then 'DELETE' end], null), ' OR ') as trigger_event,
        p.proname as function_name, pg_get_triggerdef(t.oid) as trigger_definition,
        pg_get_functiondef(p.oid) as function_definition
      from pg_trigger t join pg_proc p on p.oid = t.tgfoid
      where t.tgrelid = 'task'::regclass and not t.tgisinternal order by tgname`.execute(
      call.ctx.db,
    );
    return json(200, {
      table: "core_task",
      trigger_count: rows.length,
      triggers: rows.map((row) => ({ ...row })),
    });
  },
});
