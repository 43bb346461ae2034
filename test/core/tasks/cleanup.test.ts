import assert from "node:assert/strict";
import { test } from "node:test";
import type { Job } from "#core/plugin-contract.ts";
import { createPublication } from "#core/publications/commands.ts";
import { createVersion } from "#core/repositories/commands.ts";
import { openJob } from "#core/tasks/job.ts";
import { isPassing } from "#core/tasks/outcome.ts";
import { claimTask } from "#core/tasks/queue.ts";
import { endAbandoned, reapMissing } from "#core/tasks/reaper.ts";
import type { ClaimedTask } from "#core/tasks/types.ts";
import { createContext } from "../../support/context.ts";
import { type CoreWorld, createCoreWorld } from "../../support/core-world.ts";
import { queueIdle, registerWorker, taskRow } from "./support.ts";

/** A task that a worker has begun, as the process sees it that runs it. */
async function begunTask(world: CoreWorld, names: { readonly shared: readonly string[] }) {
  const id = await queueIdle(queueOf(world), names);
  const owner = await registerWorker(world.ctx, 1);
  const task = await claimTask(world.ctx, owner);
  assert.equal(task?.id, id);
  const claimed = task as ClaimedTask;
  return { id, owner, claimed, job: jobOf(world, claimed) };
}

/** What the helpers of the queue need of a context. */
const queueOf = ({ ctx, job }: CoreWorld) =>
  ({ ctx, caller: job.caller }) as Parameters<typeof queueIdle>[0];

const jobOf = ({ ctx }: CoreWorld, task: ClaimedTask): Job =>
  openJob(ctx, task, { remembered: {}, signal: new AbortController().signal });

test("a task that is killed while it publishes leaves no publication", async (t) => {
  const world = await createCoreWorld(t);
  const { ctx, domain } = world;
  const repository = await world.repository({ type: "zoo.published" });
  await createVersion(world.job, repository.id, { add: await world.files("a"), remove: [] });
  const version = await world.versionId(repository, 1);
  // Others may publish the repository meanwhile: the task has it only to read.
  const killed = await begunTask(world, {
    shared: [`prn:zoo.publishedrepository:${repository.id}`],
  });
  await createPublication(killed.job, { domain, type: "zoo.published", version });
  const others = await createPublication(world.job, { domain, type: "zoo.published", version });

  await endAbandoned(ctx, { seq: killed.claimed.seq, task: killed.id, owner: killed.owner });

  const left = await ctx.db.selectFrom("publication").select("id").execute();
  assert.deepEqual(left, [{ id: others.id }]);
  assert.deepEqual(await ctx.db.selectFrom("created_resource").selectAll().execute(), []);
  const row = await taskRow(queueOf(world), killed.id);
  assert.deepEqual([row.state, row.error], ["failed", { reason: "Worker has gone missing." }]);
});

test("a record of a dead process goes with the end of its tasks, not before", async (t) => {
  const world = await createContext(t);
  const { ctx } = world;
  const id = await queueIdle(world);
  const owner = await registerWorker(ctx, 1);
  await claimTask(ctx, owner);
  await ctx.db.updateTable("app_process").set({ last_heartbeat: "2001-01-01T00:00:00Z" }).execute();

  await reapMissing(ctx);

  assert.equal((await taskRow(world, id)).state, "failed");
  assert.deepEqual(await ctx.db.selectFrom("app_process").select("id").execute(), []);
});

test("a connection that breaks is a passing fault, whatever its code looks like", () => {
  const broken = Object.assign(new Error("write EPIPE"), { code: "EPIPE", syscall: "write" });
  assert.equal(isPassing(broken), true);
  assert.equal(isPassing(Object.assign(new Error("x"), { code: "57P01" })), true);
  assert.equal(isPassing(Object.assign(new Error("x"), { code: "23505" })), false);
});
