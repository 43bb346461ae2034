import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { reapMissing } from "#core/tasks/reaper.ts";
import * as tasks from "./support/tasks.ts";
import { createWorkerWorld, entryOf, quick, until } from "./support/worker.ts";

const workerFile = fileURLToPath(new URL("./support/worker-entry.ts", import.meta.url));

/** A worker in a process of its own, on the database of the world. */
function spawnWorker(
  t: TestContext,
  world: Parameters<typeof entryOf>[0],
  settings: object = {},
): ChildProcess {
  const { args } = entryOf(world, { ...quick, ...settings });
  const child = spawn(process.execPath, [workerFile, ...args], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  return child;
}

/** Statements as an administrator, who is let in when nobody else is. */
async function asAdmin(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url.replace(/\/t_[0-9a-f]+/, "/postgres") });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

const databaseName = (url: string): string => /\/(t_[0-9a-f]+)/.exec(url)?.[1] ?? "";

/** Nobody gets in, and who is in is thrown out. */
const shutOut = (url: string): Promise<void> =>
  asAdmin(
    url,
    `alter database ${databaseName(url)} allow_connections false;
     select pg_terminate_backend(pid) from pg_stat_activity where datname = '${databaseName(url)}'`,
  );
const letIn = (url: string): Promise<void> =>
  asAdmin(url, `alter database ${databaseName(url)} allow_connections true`);

test("a worker that is killed loses its task, and the next one runs elsewhere", async (t) => {
  const world = await createWorkerWorld(t, { slots: 1 });
  await world.worker.stop("finish");
  const victim = spawnWorker(t, world);
  const input = { file: world.journalFile, ms: 30_000 };
  const names = { exclusive: ["A"] };
  const first = await world.send(tasks.journal, { ...input, name: "first" }, names);
  await world.written("start first");
  const next = await world.send(tasks.journal, { ...input, name: "next", ms: 1 }, names);
  const [record] = await world.ctx.db.selectFrom("app_process").selectAll().execute();
  victim.kill("SIGKILL");
  const survivor = world.restart({});

  const lost = await world.ended(first);
  assert.deepEqual([lost.state, lost.error], ["failed", { reason: "Worker has gone missing." }]);
  assert.equal((await world.ended(next)).state, "completed");
  const journal = await readFile(world.journalFile, "utf8");
  assert.equal(journal, "start first\nstart next\nend next\n");
  const folder = `${world.ctx.settings.WORKING_DIRECTORY}/${record?.name}`;
  await until(() => !existsSync(folder), "the removal of its folder");
  const line = `INFO Cleanup record of missing worker process ${record?.name}.`;
  assert.ok(world.workerSide.logged.includes(line));
  await survivor.stop("finish");
});

test("with the times that are shipped, the next task runs within 40 seconds", async (t) => {
  const shipped = { WORKER_TTL: 30 };
  const world = await createWorkerWorld(t, { slots: 1, settings: shipped });
  await world.worker.stop("finish");
  const victim = spawnWorker(t, world, shipped);
  const input = { file: world.journalFile };
  const names = { exclusive: ["A"] };
  const long = { ...input, name: "first", ms: 300_000 };
  const first = await world.send(tasks.journal, long, names);
  await world.written("start first");
  const next = await world.send(tasks.journal, { ...input, name: "next", ms: 1 }, names);
  const survivor = world.restart({});
  victim.kill("SIGKILL");
  const killed = Date.now();

  const done = await world.ended(next, 60_000);
  const seconds = (Date.now() - killed) / 1000;
  const lost = await world.ended(first);
  assert.equal(done.state, "completed");
  assert.deepEqual([lost.state, lost.error], ["failed", { reason: "Worker has gone missing." }]);
  assert.ok(seconds < 40, `it took ${seconds} s`);
  await survivor.stop("finish");
});

test("SIGTERM waits for the task, exits with 0 and removes the record; SIGINT has a grace", async (t) => {
  const world = await createWorkerWorld(t);
  await world.worker.stop("finish");
  for (const [signal, ms, state] of [
    ["SIGTERM", 1500, "completed"],
    ["SIGINT", 60_000, "failed"],
  ] as const) {
    const child = spawnWorker(t, world, { TASK_GRACE_INTERVAL: 1 });
    const id = await world.send(tasks.journal, { file: world.journalFile, name: signal, ms });
    await world.written(`start ${signal}`);
    child.kill(signal);
    const [code] = await once(child, "exit");
    const row = await world.ended(id);
    assert.deepEqual([code, row.state], [0, state]);
    assert.deepEqual(await world.ctx.db.selectFrom("app_process").select("id").execute(), []);
  }
});

/** Ends some of the connections again and again; when the server is full, the next round does. */
async function breakConnections(url: string, calm: AbortSignal): Promise<void> {
  const text = `select pg_terminate_backend(pid) from pg_stat_activity
    where datname = '${databaseName(url)}' and random() < 0.3`;
  while (!calm.aborted) {
    await asAdmin(url, text).catch(() => undefined);
    await sleep(50);
  }
}

test("connections that break lose no task", async (t) => {
  const world = await createWorkerWorld(t, { slots: 2 });
  const calm = new AbortController();
  const storm = breakConnections(world.url, calm.signal);
  const ids: string[] = [];
  for (let attempt = 0; attempt < 400 && ids.length < 40; attempt += 1) {
    await world.send(tasks.echo, { n: attempt }).then(
      (id) => ids.push(id),
      () => sleep(20),
    );
  }
  calm.abort();
  await storm;
  assert.equal(ids.length, 40);
  const rows = await Promise.all(ids.map((id) => world.ended(id, 20_000)));
  for (const { state, error } of rows) {
    if (state === "failed") assert.match(JSON.stringify(error), /missing|terminat|connection/i);
    else assert.equal(state, "completed");
  }
  assert.ok(rows.filter(({ state }) => state === "completed").length > 30);
  const left = await world.ctx.db.selectFrom("task_queue").selectAll().execute();
  assert.deepEqual(left, []);
  await world.worker.stop("finish");
});

test("a database that is away for a moment delays, for longer than the TTL it ends the task", async (t) => {
  const world = await createWorkerWorld(t, { slots: 1, settings: { WORKER_TTL: 3 } });
  const input = { file: world.journalFile };
  const short = await world.send(tasks.journal, { ...input, name: "short", ms: 1500 });
  await world.written("start short");
  await shutOut(world.url);
  await sleep(700);
  await letIn(world.url);
  assert.equal((await world.ended(short)).state, "completed");

  const long = await world.send(tasks.journal, { ...input, name: "long", ms: 60_000 });
  await world.written("start long");
  await shutOut(world.url);
  await sleep(5000);
  await letIn(world.url);
  const row = await world.ended(long);
  assert.deepEqual([row.state, row.error], ["failed", { reason: "Worker has gone missing." }]);
  const after = await world.send(tasks.journal, { ...input, name: "after", ms: 1 });
  assert.equal((await world.ended(after)).state, "completed");
  await world.worker.stop("finish");
});

test("a task that was ended in its worker's place is given up by the worker", async (t) => {
  const world = await createWorkerWorld(t, { slots: 1 });
  const id = await world.send(tasks.journal, { file: world.journalFile, name: "x", ms: 60_000 });
  await world.written("start x");
  await world.ctx.db
    .updateTable("app_process")
    .set({ last_heartbeat: "2001-01-01T00:00:00Z" })
    .execute();
  await reapMissing(world.ctx);

  assert.equal((await world.ended(id)).state, "failed");
  const next = await world.ended(await world.send(tasks.pidOf));
  assert.equal(next.state, "completed");
  assert.doesNotMatch(await readFile(world.journalFile, "utf8"), /end x/);
  await world.worker.stop("finish");
});
