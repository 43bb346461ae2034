import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type TSchema, Type } from "@sinclair/typebox";
import { CodedError } from "#base/errors.ts";
import type { Json } from "#base/json.ts";
import type { TaskDefinition } from "#core/plugin-contract.ts";
import { defineTask } from "#core/plugin-contract.ts";
import { cancelTask, deleteTask, dispatch } from "#core/tasks/commands.ts";
import { claimTask, finishTask } from "#core/tasks/queue.ts";
import { createContext } from "../../support/context.ts";
import { idle, leftovers, queueIdle, registerWorker, taskRow } from "./support.ts";

const soon = (
  name: string,
  run: TaskDefinition["run"],
  input: TSchema = Type.Object({}),
): TaskDefinition =>
  defineTask({ name: `test.${name}`, label: "test", input, immediate: true, run });

const add = soon(
  "add",
  async (_job, input) => {
    const { a, b } = input as { a: number; b: number };
    return { sum: a + b };
  },
  Type.Object({ a: Type.Number(), b: Type.Number() }),
);
const stuck = soon("stuck", ({ signal }) => sleep(60_000, null, { signal }));
const deaf = soon("deaf", () => sleep(8000, null, { ref: false }));
const wrong = soon("wrong", async () => {
  throw new CodedError("PLP0003", 500, "The digest is wrong.");
});
const odd = soon("odd", async () => ({ big: 1n }) as unknown as Json);
const nul = soon("nul", async () => {
  throw new Error("a\0b");
});
const tasks = [idle, add, stuck, deaf, wrong, odd, nul];

test("an immediate task is final when dispatch returns, after two statements", async (t) => {
  const statements: string[] = [];
  const world = await createContext(t, { tasks, onStatement: (text) => statements.push(text) });
  const { ctx, caller, domain, logged } = world;
  statements.length = 0;
  const { id, isReady } = await dispatch(ctx, { task: add, input: { a: 1, b: 2 }, caller });

  assert.equal(statements.length, 2);
  const row = await taskRow(world, id);
  assert.equal(isReady, true);
  assert.deepEqual([row.state, row.result, row.error], ["completed", { sum: 3 }, null]);
  assert.deepEqual(row.resources, [`shared:prn:core.domain:${domain.id}`]);
  assert.equal(row.cid, caller.correlationId);
  assert.doesNotMatch(row.arguments ?? "", /"a"/);
  const about = "in domain: default, task_type: test.add, immediate: True, deferred: True";
  assert.ok(logged.includes(`INFO Starting task id: ${id} ${about}, worker: ${ctx.process.name}`));
  const completed = new RegExp(`^INFO Task completed ${id} ${about}, execution_time: \\d+ μs$`);
  assert.ok(logged.some((line) => completed.test(line)));
  assert.equal(await leftovers(world), 0);
});

test("an immediate task that is blocked waits, or is canceled when it may not", async (t) => {
  const world = await createContext(t, { tasks });
  const { ctx, caller } = world;
  const owner = await registerWorker(ctx);
  await queueIdle(world, { exclusive: ["A"] });
  const { seq = 0 } = (await claimTask(ctx, owner)) ?? {};
  const request = { task: add, input: { a: 1, b: 2 }, caller, exclusive: ["A"] };
  const waits = await dispatch(ctx, request);
  const never = await dispatch(ctx, { ...request, deferred: false });

  assert.deepEqual([waits.isReady, never.isReady], [false, false]);
  assert.equal((await taskRow(world, waits.id)).state, "waiting");
  const canceled = await taskRow(world, never.id);
  assert.equal(canceled.state, "canceled");
  assert.deepEqual(canceled.error, { reason: "Resources temporarily unavailable." });
  assert.ok(canceled.finished_at);
  await finishTask(ctx, { seq, owner }, { state: "completed" });
  assert.equal((await claimTask(ctx, owner))?.id, waits.id);
});

test("content processes, open transactions and the setting leave it to the workers", async (t) => {
  const world = await createContext(t, { tasks });
  const { ctx, caller } = world;
  const request = { task: add, input: { a: 1, b: 2 }, caller };
  const content = { ...ctx, process: { ...ctx.process, kind: "content" as const } };
  const lazy = { ...ctx, settings: { ...ctx.settings, TASK_PREFER_DEFER: true } };
  const rows = [
    await dispatch(content, request),
    await dispatch(lazy, request),
    await ctx.db.transaction().execute((trx) => dispatch(ctx, request, trx)),
  ].map(({ id }) => taskRow(world, id));
  const states = (await Promise.all(rows)).map(({ state, immediate }) => [state, immediate]);
  assert.deepEqual(states, [
    ["waiting", true],
    ["waiting", false],
    ["waiting", true],
  ]);
});

test("workers hear of a task in a transaction when it commits", async (t) => {
  const world = await createContext(t, { tasks });
  const beside = await createContext(t, { tasks, beside: world });
  const heard: string[] = [];
  const ended = new AbortController();
  t.after(() => ended.abort());
  beside.ctx.notifier.listen("pulp_worker_wakeup", (text) => heard.push(text), ended.signal);
  await sleep(200);
  await world.ctx.db.transaction().execute(async (trx) => {
    await dispatch(world.ctx, { task: idle, input: {}, caller: world.caller }, trx);
    await sleep(100);
    assert.deepEqual(heard, []);
  });
  await sleep(100);
  assert.deepEqual(heard, ["handle"]);
});

test("an immediate task has five seconds, also one that does not listen", async (t) => {
  const world = await createContext(t, { tasks });
  const { ctx, caller } = world;
  const started = performance.now();
  const ids = await Promise.all(
    [stuck, deaf].map((task) => dispatch(ctx, { task, input: {}, caller })),
  );
  assert.ok(performance.now() - started < 7000);
  for (const [i, name] of ["test.stuck", "test.deaf"].entries()) {
    const { id = "" } = ids[i] ?? {};
    const { state, error } = await taskRow(world, id);
    assert.equal(state, "failed");
    const text = `[PLP0024] Immediate task ${id} (type: ${name}) timed out after 5 seconds.`;
    assert.equal(error?.description, text);
    assert.equal(error?.error_code, "PLP0024");
  }
});

test("errors have their code, their text and a line in the log", async (t) => {
  const world = await createContext(t, { tasks });
  const { ctx, caller, logged } = world;
  const run = async (task: TaskDefinition, more: object = {}) =>
    taskRow(world, (await dispatch(ctx, { task, input: {}, caller, ...more })).id);
  const coded = await run(wrong);
  assert.equal(coded.error?.description, "[PLP0003] The digest is wrong.");
  assert.equal(coded.error?.error_code, "PLP0003");
  const line = `INFO Task[test.wrong] ${coded.id} failed (CodedError: [PLP0003] The digest is wrong.) in domain: default`;
  assert.ok(logged.includes(line));
  const unserialisable = await run(odd);
  assert.equal(unserialisable.state, "failed");
  assert.match(unserialisable.error?.description ?? "", /JSON cannot hold: big is a bigint/);
  assert.equal((await run(nul)).error?.description, "a\uFFFDb");
  const misused = await run(idle, { immediate: true });
  assert.equal(misused.error?.error_code, "PLP0023");
  assert.match(misused.error?.description ?? "", /Immediate tasks must be async functions\./);
  await assert.rejects(
    dispatch(ctx, { task: add, input: { a: "x", b: 1 } as never, caller }),
    /\/a/,
  );
  await assert.rejects(
    dispatch(ctx, { task: idle, input: {}, caller, deferred: false }),
    /neither at once nor later/,
  );
});

test("an unknown task fails, and redaction hides what is not ours to say", async (t) => {
  const world = await createContext(t, { tasks, settings: { REDACT_UNSAFE_EXCEPTIONS: true } });
  const { ctx, caller } = world;
  const unknown = soon("unknown", async () => null);
  const { id } = await dispatch(ctx, { task: unknown, input: {}, caller });
  assert.equal((await taskRow(world, id)).error?.error_code, "PLP0002");
  const hidden = await dispatch(ctx, { task: nul, input: {}, caller });
  assert.deepEqual((await taskRow(world, hidden.id)).error, {
    description: "[PLP0000] An internal error occurred.",
    traceback: "",
    error_code: "PLP0000",
  });
});

test("an immediate task that is cancelled while it runs ends canceled", async (t) => {
  const world = await createContext(t, { tasks });
  const { ctx, caller } = world;
  const running = dispatch(ctx, { task: stuck, input: {}, caller });
  await sleep(100);
  const row = await ctx.db.selectFrom("task").select("id").executeTakeFirstOrThrow();
  assert.equal((await cancelTask(ctx, row.id)).state, "canceling");
  await running;
  const { state, error } = await taskRow(world, row.id);
  assert.deepEqual([state, error], ["canceled", null]);
});

test("only final tasks are deleted", async (t) => {
  const world = await createContext(t, { tasks });
  const { ctx, caller } = world;
  const id = await queueIdle(world);
  assert.equal(await deleteTask(ctx, id), "incomplete");
  assert.deepEqual(await cancelTask(ctx, id), { state: "canceled", hasChanged: true });
  assert.deepEqual(await cancelTask(ctx, id), { state: "canceled", hasChanged: false });
  assert.equal(await deleteTask(ctx, id), "deleted");
  assert.equal(await deleteTask(ctx, id), "missing");
  assert.equal((await cancelTask(ctx, id)).state, undefined);
  const completed = await dispatch(ctx, { task: add, input: { a: 1, b: 1 }, caller });
  assert.equal((await cancelTask(ctx, completed.id)).state, "completed");
});

test("progress is written when it begins and ends, rises, and ends with the task", async (t) => {
  const statements: string[] = [];
  const folders: string[] = [];
  const counting = soon("counting", async (job) => {
    writeFileSync(join(job.workingDirectory, "file"), "x");
    folders.push(job.workingDirectory);
    const whole = job.progress({ code: "a", message: "A", total: 1000 });
    for (let i = 0; i < 1000; i += 1) whole.add();
    await whole.finish();
    {
      await using left = job.progress({ code: "b", message: "B" });
      left.add(3);
    }
    job.progress({ code: "c", message: "C" }).add(2);
    await job.created({
      model: "file.FileRepository",
      object: "x",
      path: "repositories/file/file/x/",
    });
    return null;
  });
  const onStatement = (text: string) => statements.push(text);
  const world = await createContext(t, { tasks: [counting], onStatement });
  const { ctx, caller } = world;
  const { id } = await dispatch(ctx, { task: counting, input: {}, caller });

  assert.equal(statements.filter((text) => text.includes("task_progress")).length, 6);
  const reports = await ctx.db
    .selectFrom("task_progress")
    .select(["code", "state", "done", "total"])
    .where("task", "=", id)
    .orderBy("position")
    .execute();
  assert.deepEqual(reports, [
    { code: "a", state: "completed", done: 1000, total: 1000 },
    { code: "b", state: "failed", done: 3, total: null },
    { code: "c", state: "completed", done: 2, total: null },
  ]);
  const created = await ctx.db.selectFrom("created_resource").select("path").execute();
  assert.deepEqual(created, [{ path: "repositories/file/file/x/" }]);
  assert.equal(existsSync(folders[0] ?? ""), false);
});
