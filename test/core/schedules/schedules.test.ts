import assert from "node:assert/strict";
import { test } from "node:test";
import { Type } from "@sinclair/typebox";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import { defineTask } from "#core/plugin-contract.ts";
import { dispatchDue, syncBuiltinSchedules } from "#core/schedules/commands.ts";
import { cancelTask } from "#core/tasks/commands.ts";
import { purgeTasks } from "#core/tasks/purge.ts";
import type { Settings } from "#platform/config/settings.ts";
import { createContext, type TestContextValue } from "../../support/context.ts";

const orphans = defineTask({
  name: "pulpcore.app.tasks.orphan.orphan_cleanup",
  label: "core",
  input: Type.Object({ age: Type.Optional(Type.Integer()) }),
  run: () => Promise.resolve(null),
});

const schedules = ({ ctx }: TestContextValue) =>
  ctx.db.selectFrom("task_schedule").selectAll().orderBy("name").execute();
const queuedTasks = ({ ctx }: TestContextValue) =>
  ctx.db.selectFrom("task").selectAll().orderBy("seq").execute();

/** A schedule whose next run was so many seconds ago. */
async function scheduled(
  { ctx, domain }: TestContextValue,
  schedule: { readonly late: number; readonly every: number | null; readonly task?: string },
): Promise<string> {
  const id = uuid7();
  const sealed = ctx.secrets.seal('{"age":1}');
  await sql`
    insert into task_schedule (id, domain, name, task_name, arguments, dispatch_interval, next_dispatch)
    values (${id}, ${domain.num}, ${id}, ${schedule.task ?? orphans.name}, ${sealed},
      make_interval(secs => ${schedule.every}), clock_timestamp() - make_interval(secs => ${schedule.late}))`.execute(
    ctx.db,
  );
  return id;
}

test("the built-in schedules follow the settings and the tasks that exist", async (t) => {
  const world = await createContext(t, { tasks: [orphans, purgeTasks] });
  const { ctx } = world;
  const withSettings = (settings: Partial<Settings>) =>
    syncBuiltinSchedules({ ...ctx, settings: { ...ctx.settings, ...settings } });
  await withSettings({ TASK_PROTECTION_TIME: 60, UPLOAD_PROTECTION_TIME: 5 });
  const first = await schedules(world);
  assert.deepEqual(
    first.map(({ name, task_name, dispatch_interval }) => [name, task_name, dispatch_interval]),
    [
      ["Clean up stale content periodically", orphans.name, "24:00:00"],
      ["Clean up stale tasks periodically", purgeTasks.name, "01:00:00"],
    ],
  );
  await Promise.all([withSettings({}), withSettings({})]);
  const second = await schedules(world);
  assert.deepEqual(second, first.slice(0, 1));
  await withSettings({ ORPHAN_PROTECTION_TIME: 0 });
  assert.deepEqual(await schedules(world), []);
});

test("how often space is measured follows OTEL_METRICS_DISPATCH_INTERVAL_MINUTES, where anything is sent", async (t) => {
  const emit = defineTask({
    ...{ name: "pulpcore.app.tasks.telemetry.otel_metrics", label: "core", input: Type.Object({}) },
    run: async () => null,
  });
  const world = await createContext(t, { tasks: [emit] });
  const { ctx } = world;
  const intervalWith = async (settings: Partial<Settings>) => {
    await syncBuiltinSchedules({ ...ctx, settings: { ...ctx.settings, ...settings } });
    return (await schedules(world)).map(({ dispatch_interval }) => dispatch_interval);
  };
  const on = { DOMAIN_ENABLED: true, OTEL_ENABLED: true };
  assert.deepEqual(await intervalWith(on), ["00:05:00"]);
  const hourly = { ...on, OTEL_METRICS_DISPATCH_INTERVAL_MINUTES: 60 };
  assert.deepEqual(await intervalWith(hourly), ["01:00:00"]);
  assert.deepEqual(await intervalWith({ ...on, OTEL_ENABLED: false }), []);
});

test("a schedule runs once, keeps its phase and waits for its last task", async (t) => {
  const world = await createContext(t, { tasks: [orphans] });
  const { ctx, domain } = world;
  const id = await scheduled(world, { late: 95, every: 30 });
  const before = (await schedules(world))[0]?.next_dispatch ?? "";
  await Promise.all([dispatchDue(ctx), dispatchDue(ctx)]);

  const [task, ...more] = await queuedTasks(world);
  assert.equal(more.length, 0);
  assert.deepEqual([task?.domain, task?.user_id, task?.state], [domain.num, null, "waiting"]);
  assert.match(task?.cid ?? "", /^[0-9a-f]{32}$/);
  assert.equal(ctx.secrets.open(task?.arguments ?? ""), '{"age":1}');
  const [row] = await schedules(world);
  assert.equal(row?.last_task, task?.id);
  assert.equal(Date.parse(row?.next_dispatch ?? "") - Date.parse(before), 120_000);

  await sql`update task_schedule set next_dispatch = now() where id = ${id}`.execute(ctx.db);
  await dispatchDue(ctx);
  assert.equal((await queuedTasks(world)).length, 1);
  await cancelTask(ctx, task?.id ?? "");
  await dispatchDue(ctx);
  assert.equal((await queuedTasks(world)).length, 2);
});

test("a single shot fires once, and one that cannot be dispatched keeps no other", async (t) => {
  const world = await createContext(t, { tasks: [orphans] });
  await scheduled(world, { late: 60, every: 10, task: "test.unknown" });
  const single = await scheduled(world, { late: 1, every: null });
  await scheduled(world, { late: -60, every: 10 });
  await dispatchDue(world.ctx);
  assert.equal((await queuedTasks(world)).length, 1);
  const row = (await schedules(world)).find(({ id }) => id === single);
  assert.equal(row?.next_dispatch, null);
  const text = "ERROR Dispatching scheduled task test.unknown failed.";
  assert.ok(world.logged.some((line) => line.startsWith(text)));
});
