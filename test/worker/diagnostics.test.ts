import assert from "node:assert/strict";
import { test } from "node:test";
import { uuid7 } from "#base/uuid7.ts";
import { openArtifact } from "#core/artifacts/commands.ts";
import * as tasks from "./support/tasks.ts";
import { createWorkerWorld } from "./support/worker.ts";

/** Snapshots of a heap take their time on a busy machine. */
const LIMIT_MS = 60_000;
const ALL = ["memory", "pyinstrument", "memray", "logs"];

async function worldWith(t: Parameters<typeof createWorkerWorld>[0], allowed: readonly string[]) {
  const world = await createWorkerWorld(t, { settings: { TASK_DIAGNOSTICS: [...allowed] } });
  const run = async (task: typeof tasks.pidOf, profileOptions: readonly string[]) => {
    const caller = { ...world.caller, profileOptions };
    return world.ended(await world.send(task, {}, { caller }), LIMIT_MS);
  };
  const recordings = async () => {
    const { ctx, domain } = world;
    const rows = await ctx.db.selectFrom("profile_artifact").selectAll().orderBy("name").execute();
    const entries = rows.map(async ({ name, artifact }) => {
      await using stored = await openArtifact(ctx, domain, artifact);
      return [name, (await stored.file.read(0, stored.file.sizeBytes)).toString()] as const;
    });
    return Object.fromEntries(await Promise.all(entries));
  };
  return { world, run, recordings };
}

test("what was asked for is kept as artifacts of the task", async (t) => {
  const { world, run, recordings } = await worldWith(t, ALL);
  assert.equal((await run(tasks.pidOf, ["memory", "cpu", "heap", "logs"])).state, "completed");

  const files = await recordings();
  assert.deepEqual(Object.keys(files), [
    ...["cpu_profile", "heap_snapshot", "memory_profile", "memray_profile"],
    ...["pyinstrument_profile", "task_logs"],
  ]);
  assert.ok(JSON.parse(files.cpu_profile ?? "").nodes.length > 0);
  assert.ok(JSON.parse(files.heap_snapshot ?? "").snapshot.node_count > 1000);
  assert.ok(JSON.parse(files.memray_profile ?? "").head);
  assert.match(files.memory_profile ?? "", /^# Seconds\tMemory in MB.*\n0\.00\t\d+\.\d\d\t/);
  assert.match(files.pyinstrument_profile ?? "", /^<!doctype html>[\s\S]*<details open>/);
  assert.match(
    files.task_logs ?? "",
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d - pulpcore\.tasking\.tasks - INFO - Starting task id: /,
  );
  await world.worker.stop("finish");
});

test("a task that fails leaves its diagnostics too", async (t) => {
  const { world, run, recordings } = await worldWith(t, ALL);
  assert.equal((await run(tasks.failing, ["memory", "logs"])).state, "failed");
  assert.deepEqual(Object.keys(await recordings()), ["memory_profile", "task_logs"]);
  await world.worker.stop("finish");
});

test("what is not allowed or not known is left out, and told", async (t) => {
  const { world, run, recordings } = await worldWith(t, ["memory"]);
  assert.equal((await run(tasks.pidOf, ["pyinstrument", "nonsense"])).state, "completed");
  assert.deepEqual(await recordings(), {});
  await world.worker.stop("finish");
});

test("what a task of another domain leaves is of that domain", async (t) => {
  const { world } = await worldWith(t, ["memory"]);
  const { db } = world.ctx;
  const storage_class = "pulpcore.app.models.storage.FileSystem";
  const domain = await db
    .insertInto("domain")
    .values({ id: uuid7(), name: "other", storage_class })
    .returning(["num", "id", "name"])
    .executeTakeFirstOrThrow();
  const caller = { ...world.caller, domain, profileOptions: ["memory"] };

  const { id } = await world.ended(await world.send(tasks.pidOf, {}, { caller }), LIMIT_MS);

  const rows = await db
    .selectFrom("profile_artifact as p")
    .innerJoin("artifact as a", "a.id", "p.artifact")
    .select(["p.domain", "a.domain as of", "p.task"])
    .execute();
  assert.deepEqual(rows, [{ domain: domain.num, of: domain.num, task: id }]);
  await world.worker.stop("finish");
});
