import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Type } from "@sinclair/typebox";
import { sql } from "kysely";
import { prn } from "#base/prn.ts";
import { uuid7 } from "#base/uuid7.ts";
import type { Caller } from "#core/ctx.ts";
import { defineTask } from "#core/plugin-contract.ts";
import { addGroupProgress, createTaskGroup, dispatch } from "#core/tasks/commands.ts";
import { startHeartbeat } from "#core/tasks/heartbeat.ts";
import { purgeTasks } from "#core/tasks/purge.ts";
import { claimTask } from "#core/tasks/queue.ts";
import { reapMissing } from "#core/tasks/reaper.ts";
import { runTask } from "#core/tasks/run.ts";
import { createContext, type TestContextValue } from "../../support/context.ts";
import { idle, leftovers, queueIdle, registerWorker, taskRow } from "./support.ts";

const LONG_AGO = "2001-01-01T00:00:00Z";

/** A final task of a user, finished at some time. */
async function finalTask(
  { ctx, domain }: TestContextValue,
  task: {
    readonly state?: "completed" | "failed";
    readonly at?: string;
    readonly user?: number | null;
    readonly domain?: number;
  },
): Promise<string> {
  const id = uuid7();
  const { state = "completed", at = LONG_AGO, user = null } = task;
  await sql`
    insert into task (id, seq, domain, state, name, user_id, created, finished_at)
    values (${id}, nextval('task_seq'), ${task.domain ?? domain.num}, ${state}, 'test.old', ${user},
      ${at}::timestamptz, ${at}::timestamptz)`.execute(ctx.db);
  return id;
}

const remaining = async ({ ctx }: TestContextValue): Promise<Set<string>> => {
  const rows = await ctx.db
    .selectFrom("task")
    .select("id")
    .where("name", "=", "test.old")
    .execute();
  return new Set(rows.map(({ id }) => id));
};

/** Runs the purge as a worker would. */
async function purge(world: TestContextValue, input: object, caller: Caller) {
  const { ctx } = world;
  const { id } = await dispatch(ctx, { task: purgeTasks, input, caller });
  const claimed = await claimTask(ctx, await registerWorker(ctx));
  assert.ok(claimed);
  const outcome = await runTask(ctx, claimed, new AbortController().signal);
  assert.deepEqual(outcome, { state: "completed", result: "null" });
  const reports = await ctx.db
    .selectFrom("task_progress")
    .select(["code", "done", "total"])
    .where("task", "=", id)
    .execute();
  return new Map(reports.map(({ code, done, total }) => [code, [done, total]]));
}

async function newUser({ ctx }: TestContextValue, username: string): Promise<number> {
  const values = { username, password: "!" };
  const row = await ctx.db.insertInto("app_user").values(values).returning("id").executeTakeFirst();
  return row?.id ?? 0;
}

test("purge respects time, state, user and domain", async (t) => {
  const world = await createContext(t, { tasks: [purgeTasks] });
  const { ctx, caller } = world;
  const other = await ctx.db
    .insertInto("domain")
    .values({ id: uuid7(), name: "other", storage_class: "x" })
    .returning("num")
    .executeTakeFirstOrThrow();
  const [ann, bob] = [await newUser(world, "ann"), await newUser(world, "bob")];
  const mine = await finalTask(world, { user: ann });
  const theirs = await finalTask(world, { user: bob });
  const granted = await finalTask(world, { user: bob });
  const failed = await finalTask(world, { user: ann, state: "failed" });
  const young = await finalTask(world, { user: ann, at: "2030-01-01T00:00:00Z" });
  const elsewhere = await finalTask(world, { user: ann, domain: other.num });
  await ctx.db
    .insertInto("created_resource")
    .values({ task: mine, position: 1, model: "m", object: "o", path: "p" })
    .execute();
  await grantDelete(world, { subject: ann, object: granted });
  const input = { finished_before: "2020-01-01T00:00:00Z", states: ["completed"] };
  const user = { id: ann, username: "ann", isSuperuser: false, isActive: true };

  const reports = await purge(world, input, { ...caller, user });
  assert.deepEqual(await remaining(world), new Set([theirs, failed, young, elsewhere]));
  assert.deepEqual(reports.get("purge.tasks.key.core.Task"), [2, 2]);
  assert.deepEqual(reports.get("purge.tasks.key.core.CreatedResource"), [1, null]);
  assert.deepEqual(reports.get("purge.tasks.total"), [4, null]);
  await purge(world, { ...input, states: ["completed", "failed"] }, caller);
  assert.deepEqual(await remaining(world), new Set([young, elsewhere]));
  await purge(world, { everywhere: true }, { ...caller, user: null });
  assert.deepEqual(await remaining(world), new Set([young]));
});

/** A role of its own that may delete the one task. */
async function grantDelete(
  { ctx, domain }: TestContextValue,
  { subject, object }: { readonly subject: number; readonly object: string },
): Promise<void> {
  const { num: role } = await ctx.db
    .insertInto("role")
    .values({ id: uuid7(), name: "deleter" })
    .returning("num")
    .executeTakeFirstOrThrow();
  await ctx.db
    .insertInto("role_permission")
    .values({ role, permission: "core.delete_task" })
    .execute();
  const values = { id: uuid7(), subject, role, kind: 1, domain: domain.num, object };
  await ctx.db.insertInto("role_assignment").values(values).execute();
}

test("purge goes on slice after slice", async (t) => {
  const world = await createContext(t, { tasks: [purgeTasks] });
  const { ctx, caller, domain } = world;
  await sql`
    insert into task (id, seq, domain, state, name, created, finished_at)
    select gen_random_uuid(), nextval('task_seq'), ${domain.num}::int, 'completed', 'test.old',
      ${LONG_AGO}::timestamptz, ${LONG_AGO}::timestamptz from generate_series(1, 2500)`.execute(
    ctx.db,
  );
  const reports = await purge(world, { finished_before: "2020-01-01T00:00:00Z" }, caller);
  assert.deepEqual(reports.get("purge.tasks.key.core.Task"), [2500, 2500]);
  assert.equal((await remaining(world)).size, 0);
});

test("a silent process loses its task, its drafts and its record", async (t) => {
  const world = await createContext(t, { tasks: [idle] });
  const { ctx, domain } = world;
  const repository = await newRepository(world);
  const owner = await registerWorker(ctx);
  const id = await queueIdle(world, { exclusive: [prn("file.FileRepository", repository.id)] });
  const next = await queueIdle(world, { exclusive: [prn("file.FileRepository", repository.id)] });
  await claimTask(ctx, owner);
  await ctx.db
    .insertInto("repository_version")
    .values({ id: uuid7(), domain: domain.num, repository: repository.num, number: 1 })
    .execute();
  await reapMissing(ctx);
  assert.equal((await taskRow(world, id)).state, "running", "it is not silent yet");
  await ctx.db.updateTable("app_process").set({ last_heartbeat: LONG_AGO }).execute();
  await Promise.all([reapMissing(ctx), reapMissing(ctx)]);

  const row = await taskRow(world, id);
  assert.deepEqual([row.state, row.error], ["failed", { reason: "Worker has gone missing." }]);
  assert.ok((await taskRow(world, next)).unblocked_at);
  assert.deepEqual(await ctx.db.selectFrom("app_process").select("id").execute(), []);
  const versions = await ctx.db.selectFrom("repository_version").select("number").execute();
  assert.deepEqual(versions, []);
  const drop = await claimTask(ctx, await registerWorker(ctx));
  assert.equal(drop?.id, next);
});

async function newRepository({ ctx, domain }: TestContextValue) {
  const id = uuid7();
  return ctx.db
    .insertInto("repository")
    .values({ id, domain: domain.num, type: "file.file", name: "zoo" })
    .returning(["num", "id"])
    .executeTakeFirstOrThrow();
}

test("an API process beats, comes back after its removal and ends what it does not know", async (t) => {
  const never = Promise.withResolvers<null>();
  const hanging = defineTask({
    name: "test.hanging",
    label: "test",
    input: Type.Object({}),
    immediate: true,
    run: () => never.promise,
  });
  const world = await createContext(t, { tasks: [hanging], settings: { API_APP_TTL: 1 } });
  const { ctx, caller } = world;
  const heartbeat = await startHeartbeat(ctx);
  const record = () => ctx.db.selectFrom("app_process").selectAll().executeTakeFirst();
  const first = await record();
  assert.deepEqual([first?.kind, first?.ttl_seconds, first?.name], ["api", 1, ctx.process.name]);
  await sleep(600);
  assert.ok(((await record())?.last_heartbeat ?? "") > (first?.last_heartbeat ?? "z"));
  await ctx.db.deleteFrom("app_process").execute();
  await sleep(600);
  assert.ok(await record());

  const known = dispatch(ctx, { task: hanging, input: {}, caller });
  const unknown = await queueOwned(world, ctx.process.id);
  await sleep(200);
  await ctx.db
    .updateTable("task")
    .set({ started_at: LONG_AGO })
    .where("state", "=", "running")
    .execute();
  await sleep(700);
  assert.equal((await taskRow(world, unknown)).state, "failed");
  never.resolve(null);
  assert.equal((await taskRow(world, (await known).id)).state, "completed");
  await heartbeat.stop();
  assert.equal(await record(), undefined);
  assert.equal(await leftovers(world), 0);
});

/** A task that belongs to the process, as if the answer to its dispatch had been lost. */
async function queueOwned(world: TestContextValue, owner: string): Promise<string> {
  const id = await queueIdle(world);
  await world.ctx.db.updateTable("task_queue").set({ owner }).where("task", "=", id).execute();
  await world.ctx.db.updateTable("task").set({ state: "running" }).where("id", "=", id).execute();
  return id;
}

test("what several workers add to a group report is all there", async (t) => {
  const world = await createContext(t, {});
  const { ctx, domain } = world;
  const group = await createTaskGroup(ctx, { domain, description: "import" });
  const report = { code: "import", message: "Importing", total: 2, done: 1 };
  await Promise.all(Array.from({ length: 20 }, () => addGroupProgress(ctx, group, report)));
  const row = await ctx.db.selectFrom("group_progress").selectAll().executeTakeFirst();
  assert.deepEqual([row?.done, row?.total], [20, 40]);
});
