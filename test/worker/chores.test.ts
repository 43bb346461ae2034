import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import { sha256 } from "#base/digests.ts";
import { uuid7 } from "#base/uuid7.ts";
import { beginSession } from "#core/access/commands.ts";
import { dispatch } from "#core/tasks/commands.ts";
import { startWorker } from "#worker/supervisor.ts";
import { createContext } from "../support/context.ts";
import * as tasks from "./support/tasks.ts";
import { createWorkerWorld, entryOf, quick } from "./support/worker.ts";

test("a schedule that falls due fires within a heartbeat or two", async (t) => {
  const world = await createWorkerWorld(t);
  const { ctx, domain } = world;
  await sql`
    insert into task_schedule (id, domain, name, task_name, next_dispatch)
    values (${uuid7()}, ${domain.num}, 'once', ${tasks.pidOf.name},
      clock_timestamp() + interval '1 second')`.execute(ctx.db);
  await sleep(700);
  const last = () => ctx.db.selectFrom("task_schedule").select("last_task").executeTakeFirst();
  assert.equal((await last())?.last_task, null);
  await sleep(2000);
  const row = await world.ended((await last())?.last_task ?? "");
  assert.equal(row.state, "completed");
  await world.worker.stop("finish");
});

test("sessions that have run out are removed by a heartbeat, others stay", async (t) => {
  const world = await createWorkerWorld(t);
  const { ctx, caller } = world;
  const kept = await beginSession(ctx, caller.user?.id ?? 0);
  await beginSession(ctx, caller.user?.id ?? 0);
  await sql`update session set expires = clock_timestamp() - interval '1 second'
    where id <> ${sha256(kept?.secret ?? "")}`.execute(ctx.db);

  const left = async () => (await ctx.db.selectFrom("session").select("id").execute()).length;
  for (let at = 0; at < 100 && (await left()) > 1; at += 1) await sleep(100);

  assert.equal(await left(), 1);
  await world.worker.stop("finish");
});

test("an auxiliary worker runs tasks and does nothing else", async (t) => {
  const world = await createWorkerWorld(t, { auxiliary: true });
  const { ctx, domain } = world;
  const missing = uuid7();
  await sql`
    insert into app_process (id, kind, name, versions, ttl_seconds, last_heartbeat)
    values (${missing}, 'api', 'gone', '{}', 1, '2001-01-01')`.execute(ctx.db);
  await sql`
    insert into task_schedule (id, domain, name, task_name, next_dispatch)
    values (${uuid7()}, ${domain.num}, 'x', ${tasks.pidOf.name}, clock_timestamp())`.execute(
    ctx.db,
  );
  await sleep(1500);
  const records = await ctx.db.selectFrom("app_process").select("id").execute();
  assert.ok(records.some(({ id }) => id === missing));
  assert.equal((await world.ended(await world.send(tasks.pidOf))).state, "completed");
  assert.equal((await ctx.db.selectFrom("task").select("id").execute()).length, 1);
  await world.worker.stop("finish");
});

test("a task for a later version waits until such a worker starts", async (t) => {
  const world = await createWorkerWorld(t);
  const { ctx, caller } = world;
  const request = { task: tasks.pidOf, input: {}, caller };
  const { id, isReady } = await dispatch(ctx, { ...request, versions: { test: "2.0" } });
  assert.equal(isReady, false);
  await sleep(1500);
  const state = () => ctx.db.selectFrom("task").select("state").where("id", "=", id).execute();
  assert.deepEqual(await state(), [{ state: "waiting" }]);

  const later = await createContext(t, {
    beside: world,
    tasks: tasks.workerTasks,
    settings: quick,
    kind: "worker",
  });
  const versions = { core: "3.95.0", test: "2.0.1" };
  const newer = { ...later.ctx, process: { ...later.ctx.process, versions } };
  const worker = startWorker(newer, { childEntry: entryOf(world, quick), slots: 1 });
  assert.equal((await world.ended(id)).state, "completed");
  await worker.stop("finish");
  await world.worker.stop("finish");
});

test("a worker without the component gives the task back", async (t) => {
  const world = await createWorkerWorld(t, { slots: 1 });
  const { ctx, caller } = world;
  const versions = { ...ctx.process.versions, test: "2.0" };
  const knowing = { ...ctx, process: { ...ctx.process, versions } };
  const request = { task: tasks.pidOf, input: {}, caller };
  const { id, isReady } = await dispatch(knowing, request);
  assert.equal(isReady, true);
  await sleep(1000);
  const row = await ctx.db
    .selectFrom("task")
    .innerJoin("task_queue", "task_queue.task", "task.id")
    .select(["state", "parked", "owner", "started_at"])
    .where("task.id", "=", id)
    .executeTakeFirst();
  assert.deepEqual(row, { state: "waiting", parked: true, owner: null, started_at: null });
  assert.equal((await world.ended(await world.send(tasks.pidOf))).state, "completed");
  await world.worker.stop("finish");
});
