import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { cancelGroup, cancelTask, createTaskGroup, dispatch } from "#core/tasks/commands.ts";
import * as tasks from "./support/tasks.ts";
import { createWorkerWorld, until } from "./support/worker.ts";

test("tasks run in a reused child with a directory of their own, immediate ones in the worker", async (t) => {
  const world = await createWorkerWorld(t, { slots: 1 });
  const first = await world.ended(await world.send(tasks.pidOf));
  const second = await world.ended(await world.send(tasks.pidOf));
  const content = { ...world.ctx, process: { ...world.ctx.process, kind: "content" as const } };
  const request = { task: tasks.echo, input: { a: 1 }, caller: world.caller };
  const here = await world.ended((await dispatch(content, request)).id);

  const [a, b] = [first, second].map(({ result }) => result as { pid: number; cwd: string });
  assert.equal(a?.pid, b?.pid);
  assert.notEqual(a?.pid, process.pid);
  assert.ok(a?.cwd.endsWith(first.id));
  assert.equal(existsSync(a?.cwd ?? ""), false);
  assert.deepEqual(here.result, { a: 1 });
  const name = world.workerSide.ctx.process.name;
  const about = "in domain: default, task_type: test.echo, immediate: True, deferred: True";
  const line = `INFO Starting task id: ${here.id} ${about}, worker: ${name}`;
  assert.ok(world.workerSide.logged.includes(line), world.workerSide.logged.join("\n"));
  await world.worker.stop("finish");
  assert.deepEqual(await world.ctx.db.selectFrom("app_process").select("id").execute(), []);
  assert.deepEqual(readdirSync(world.ctx.settings.WORKING_DIRECTORY), []);
});

test("a killed child, an exit and a full heap fail the task, and the worker goes on", async (t) => {
  const world = await createWorkerWorld(t, { slots: 1, settings: { TASK_CHILD_MEMORY_MB: 64 } });
  const killed = await world.ended(await world.send(tasks.killed));
  const exited = await world.ended(await world.send(tasks.exiting, { code: 3 }));
  const greedy = await world.ended(await world.send(tasks.greedy), 60_000);
  const after = await world.ended(await world.send(tasks.pidOf));

  assert.deepEqual(killed.error, { reason: "Killed by signal 9." });
  assert.deepEqual(exited.error, { reason: "Task process died unexpectedly with exitcode 3." });
  assert.deepEqual(greedy.error, { reason: "Killed by signal 6." });
  assert.deepEqual(
    [killed, exited, greedy, after].map(({ state }) => state),
    ["failed", "failed", "failed", "completed"],
  );
  await world.worker.stop("finish");
});

test("a running task is canceled, also one that ignores it and one that never yields", async (t) => {
  const world = await createWorkerWorld(t, { slots: 3 });
  const polite = await world.send(tasks.journal, {
    file: world.journalFile,
    name: "polite",
    ms: 60_000,
  });
  const gooey = await world.send(tasks.gooey);
  const spinning = await world.send(tasks.spinning, { file: `${world.journalFile}.spin` });
  await world.written("start polite");
  await until(() => existsSync(`${world.journalFile}.spin`), "the spinning");
  for (const id of [polite, gooey, spinning]) {
    assert.equal((await cancelTask(world.ctx, id)).state, "canceling");
  }
  for (const id of [polite, gooey, spinning]) {
    const row = await world.ended(id);
    assert.deepEqual([row.state, row.error], ["canceled", null]);
    assert.ok(row.finished_at);
  }
  await world.written("abort polite");
  assert.equal((await world.ended(await world.send(tasks.pidOf))).state, "completed");
  await world.worker.stop("finish");
});

test("a cancellation that nobody was told of is seen by the next heartbeat", async (t) => {
  const world = await createWorkerWorld(t);
  const id = await world.send(tasks.journal, { file: world.journalFile, name: "x", ms: 60_000 });
  await world.written("start x");
  const mute = { ...world.ctx, notifier: { ...world.ctx.notifier, notify: () => undefined } };
  await cancelTask(mute as typeof world.ctx, id);
  assert.equal((await world.ended(id, 4000)).state, "canceled");
  await world.worker.stop("finish");
});

test("a task that nobody was told of is found by the next heartbeat", async (t) => {
  const world = await createWorkerWorld(t);
  await world.ended(await world.send(tasks.pidOf));
  await sleep(100);
  const { ctx } = world;
  Object.assign(ctx, { notifier: { ...ctx.notifier, notify: () => undefined } });
  assert.equal((await world.ended(await world.send(tasks.pidOf), 4000)).state, "completed");
  await world.worker.stop("finish");
});

test("stopping lets the running task finish and takes no other", async (t) => {
  const world = await createWorkerWorld(t, { slots: 1 });
  const input = { file: world.journalFile, ms: 1500 };
  const running = await world.send(tasks.journal, { ...input, name: "running" });
  await world.written("start running");
  const waiting = await world.send(tasks.journal, { ...input, name: "waiting" });
  await world.worker.stop("finish");
  const states = await world.ctx.db.selectFrom("task").select(["id", "state"]).execute();
  assert.deepEqual(
    new Map(states.map(({ id, state }) => [id, state])),
    new Map([
      [running, "completed"],
      [waiting, "waiting"],
    ]),
  );
});

test("a grace that runs out fails the task", async (t) => {
  const world = await createWorkerWorld(t, { settings: { TASK_GRACE_INTERVAL: 1 } });
  const id = await world.send(tasks.journal, { file: world.journalFile, name: "x", ms: 60_000 });
  const gooey = await world.send(tasks.gooey);
  await world.written("start x");
  await sleep(300);
  await world.worker.stop("grace");
  for (const task of [id, gooey]) {
    const row = await world.ended(task);
    assert.deepEqual(
      [row.state, row.error],
      ["failed", { reason: "Aborted during worker shutdown." }],
    );
  }
});

test("a task that runs too long fails", async (t) => {
  const world = await createWorkerWorld(t, { settings: { TASK_MAX_RUNTIME: 1 } });
  const { state, error } = await world.ended(await world.send(tasks.gooey));
  assert.equal(state, "failed");
  assert.deepEqual(error, { reason: "Task exceeded maximum runtime of 1 seconds." });
  await world.worker.stop("finish");
});

test("burst runs everything, also what becomes free on the way, and ends", async (t) => {
  const world = await createWorkerWorld(t);
  await world.worker.stop("finish");
  const input = { file: world.journalFile, ms: 10 };
  for (const name of ["1", "2", "3"]) {
    await world.send(tasks.journal, { ...input, name }, { exclusive: ["A"] });
  }
  await world.restart({ burst: true }).done;
  const text = await readFile(world.journalFile, "utf8");
  assert.equal(text, "start 1\nend 1\nstart 2\nend 2\nstart 3\nend 3\n");
});

test("a child task knows its parent, its correlation and its user", async (t) => {
  const world = await createWorkerWorld(t);
  const parent = await world.ended(await world.send(tasks.parent));
  const child = await world.ended(String(parent.result));
  assert.equal(child.parent, parent.id);
  assert.equal(child.cid, world.caller.correlationId);
  assert.equal(child.user_id, world.caller.user?.id);
  await world.worker.stop("finish");
});

test("cancelling a group ends its members with a reason", async (t) => {
  const world = await createWorkerWorld(t);
  const group = await createTaskGroup(world.ctx, { domain: world.domain, description: "g" });
  const names = { group, exclusive: ["A"] };
  const input = { file: world.journalFile, ms: 60_000 };
  const running = await world.send(tasks.journal, { ...input, name: "first" }, names);
  const waiting = await world.send(tasks.journal, { ...input, name: "second" }, names);
  await world.written("start first");
  await cancelGroup(world.ctx, group);
  for (const id of [running, waiting]) {
    const row = await world.ended(id);
    assert.deepEqual([row.state, row.error], ["canceled", { reason: "Task group was canceled." }]);
  }
  assert.doesNotMatch(await readFile(world.journalFile, "utf8"), /second/);
  await world.worker.stop("finish");
});
