import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { prn } from "#base/prn.ts";
import { cancelTask, dispatch } from "#core/tasks/commands.ts";
import { claimTask, finishAndClaim, finishTask } from "#core/tasks/queue.ts";
import type { Outcome } from "#core/tasks/types.ts";
import { createContext } from "../../support/context.ts";
import { idle, leftovers, queueIdle, registerWorker, taskRow } from "./support.ts";

const done: Outcome = { state: "completed" };

test("a writer waits for readers and readers for the writer before them", async (t) => {
  const world = await createContext(t, { tasks: [idle] });
  const { ctx } = world;
  const owner = await registerWorker(ctx);
  const other = await registerWorker(ctx);
  const first = await queueIdle(world, { exclusive: ["A"], shared: ["B"] });
  const readers = [
    await queueIdle(world, { shared: ["A"] }),
    await queueIdle(world, { shared: ["A"] }),
  ];
  const writer = await queueIdle(world, { exclusive: ["A"] });
  const last = await queueIdle(world, { exclusive: ["B"] });

  const claimed = await claimTask(ctx, owner);
  assert.equal(claimed?.id, first);
  assert.equal(await claimTask(ctx, other), undefined);
  const { unblocked, claimed: second } = await finishAndClaim(
    ctx,
    { seq: claimed?.seq ?? 0, owner },
    done,
  );
  assert.equal(unblocked, 3);
  const third = await claimTask(ctx, other);
  const fourth = await claimTask(ctx, await registerWorker(ctx));
  assert.deepEqual([second?.id, third?.id, fourth?.id], [...readers, last]);
  await finishTask(ctx, { seq: third?.seq ?? 0, owner: other }, done);
  assert.equal(await claimTask(ctx, other), undefined, "one reader is left");
  const freed = await finishTask(ctx, { seq: second?.seq ?? 0, owner }, done);
  assert.equal(freed.unblocked, 1);
  assert.equal((await claimTask(ctx, owner))?.id, writer);
});

test("dispatch, claim, finish and finish with claim are one statement each", async (t) => {
  const statements: string[] = [];
  const world = await createContext(t, { tasks: [idle], onStatement: (s) => statements.push(s) });
  const { ctx, caller } = world;
  const owner = await registerWorker(ctx);
  const count = async <T>(work: () => Promise<T>): Promise<[number, T]> => {
    statements.length = 0;
    const value = await work();
    return [statements.filter((s) => !s.includes("pg_notify")).length, value];
  };

  const request = { task: idle, input: {}, caller, exclusive: ["A"] };
  const [dispatched] = await count(() => dispatch(ctx, request));
  await queueIdle(world);
  const [claims, claimed] = await count(() => claimTask(ctx, owner));
  const [both, next] = await count(() =>
    finishAndClaim(ctx, { seq: claimed?.seq ?? 0, owner }, done),
  );
  const [finishes] = await count(() =>
    finishTask(ctx, { seq: next.claimed?.seq ?? 0, owner }, done),
  );

  assert.deepEqual([dispatched, claims, both, finishes], [1, 1, 1, 1]);
});

test("only the owner finishes, and only once", async (t) => {
  const world = await createContext(t, { tasks: [idle] });
  const { ctx } = world;
  const [owner, thief] = [await registerWorker(ctx), await registerWorker(ctx)];
  await queueIdle(world);
  const seq = (await claimTask(ctx, owner))?.seq ?? 0;

  assert.equal((await finishTask(ctx, { seq, owner: thief }, done)).state, undefined);
  assert.equal((await finishTask(ctx, { seq, owner }, done)).state, "completed");
  assert.equal((await finishTask(ctx, { seq, owner }, { state: "failed" })).state, undefined);
});

test("a claim whose answer was lost is answered again, also after finishing", async (t) => {
  const world = await createContext(t, { tasks: [idle] });
  const { ctx } = world;
  const owner = await registerWorker(ctx);
  const ids = [await queueIdle(world), await queueIdle(world)];
  const first = await claimTask(ctx, owner);
  assert.equal((await claimTask(ctx, owner))?.id, first?.id);
  const held = { seq: first?.seq ?? 0, owner };
  await finishAndClaim(ctx, held, done);
  const again = await finishAndClaim(ctx, held, done);
  assert.deepEqual([first?.id, again.claimed?.id], ids);
  assert.equal(again.state, undefined);
});

test("a process without a record claims nothing", async (t) => {
  const world = await createContext(t, { tasks: [idle] });
  await queueIdle(world);
  assert.equal(await claimTask(world.ctx, "0198a000-0000-7000-8000-000000000000"), undefined);
});

test("older releases leave newer tasks alone, and too new ones wait for ever", async (t) => {
  const old = await createContext(t, { tasks: [idle] });
  const future = { ...old.ctx, process: { ...old.ctx.process, versions: { core: "3.96.0" } } };
  const owner = await registerWorker(old.ctx);
  const parked = await queueIdle(old, { versions: { core: "4.0.0" } });
  await dispatch(future, { task: idle, input: {}, caller: old.caller });

  assert.equal(await claimTask(old.ctx, owner), undefined);
  const { id } = (await claimTask(future, owner)) ?? {};
  assert.notEqual(id, parked);
  assert.equal((await taskRow(old, parked)).unblocked_at, null);
});

test("a reader that is cancelled behind a writer lets nobody overtake", async (t) => {
  const world = await createContext(t, { tasks: [idle] });
  const { ctx } = world;
  const owner = await registerWorker(ctx);
  const reader = await queueIdle(world, { shared: ["A"] });
  const writer = await queueIdle(world, { exclusive: ["A"] });
  const late = await queueIdle(world, { shared: ["A"] });
  await cancelTask(ctx, late);
  const running = await claimTask(ctx, owner);
  assert.equal(running?.id, reader);

  const { state } = await cancelTask(ctx, writer);
  const canceled = await taskRow(world, writer);
  assert.deepEqual([state, canceled.state, canceled.started_at], ["canceled", "canceled", null]);
  assert.ok(canceled.finished_at);
  await finishTask(ctx, { seq: running?.seq ?? 0, owner }, done);
  assert.equal(await leftovers(world), 0);
});

test("cancelling the writer in the middle lets the readers behind it run", async (t) => {
  const world = await createContext(t, { tasks: [idle] });
  const { ctx } = world;
  await queueIdle(world, { shared: ["A"] });
  const writer = await queueIdle(world, { exclusive: ["A"] });
  const behind = [
    await queueIdle(world, { shared: ["A"] }),
    await queueIdle(world, { shared: ["A"] }),
  ];
  await cancelTask(ctx, writer);
  const rows = await Promise.all(behind.map((id) => taskRow(world, id)));
  assert.ok(rows.every(({ unblocked_at }) => unblocked_at !== null));
});

test("a running task that is cancelled ends canceled, unless a reason says otherwise", async (t) => {
  const world = await createContext(t, { tasks: [idle] });
  const { ctx } = world;
  const owner = await registerWorker(ctx);
  for (const [outcome, state, error] of [
    [{ state: "completed", result: "1" }, "canceled", null],
    [{ state: "failed", error: { description: "x", traceback: "" } }, "canceled", null],
    [{ state: "failed", error: { reason: "gone" } }, "failed", { reason: "gone" }],
  ] as const) {
    const id = await queueIdle(world);
    const seq = (await claimTask(ctx, owner))?.seq ?? 0;
    assert.equal((await cancelTask(ctx, id)).state, "canceling");
    await finishTask(ctx, { seq, owner }, outcome);
    const row = await taskRow(world, id);
    assert.deepEqual([row.state, row.error, row.result], [state, error, null]);
    assert.equal((await cancelTask(ctx, id)).hasChanged, false);
  }
});

test("two dispatchers in open transactions on one resource queue in the order of creation", async (t) => {
  const world = await createContext(t, { tasks: [idle] });
  const { ctx, caller } = world;
  const owner = await registerWorker(ctx);
  const request = { task: idle, input: {}, caller, exclusive: ["A"] };
  const ids: string[] = [];
  const inOrder = Promise.withResolvers<void>();
  const first = ctx.db.transaction().execute(async (trx) => {
    ids.push((await dispatch(ctx, request, trx)).id);
    inOrder.resolve();
    await sql`select pg_sleep(0.2)`.execute(trx);
  });
  await inOrder.promise;
  const second = ctx.db
    .transaction()
    .execute(async (trx) => ids.push((await dispatch(ctx, request, trx)).id));
  await Promise.all([first, second]);

  const rows = await ctx.db.selectFrom("task").select("id").orderBy("created").execute();
  assert.deepEqual(
    rows.map(({ id }) => id),
    ids,
  );
  assert.equal((await claimTask(ctx, owner))?.id, ids[0]);
});

test("a task with the whole domain waits for all and stops all", async (t) => {
  const world = await createContext(t, { tasks: [idle] });
  const { ctx, domain } = world;
  const owner = await registerWorker(ctx);
  await queueIdle(world, { exclusive: ["A"] });
  const alone = await queueIdle(world, { exclusive: [prn("core.domain", domain.id)] });
  await queueIdle(world, { exclusive: ["B"] });
  const { seq = 0 } = (await claimTask(ctx, owner)) ?? {};
  const second = await finishAndClaim(ctx, { seq, owner }, done);
  assert.equal(second.claimed?.id, alone);
  assert.equal(second.unblocked, 1);
  assert.deepEqual((await taskRow(world, alone)).resources, [prn("core.domain", domain.id)]);
});

test("25 tasks on a busy resource do not delay a later one", async (t) => {
  const world = await createContext(t, { tasks: [idle] });
  const { ctx } = world;
  for (let i = 0; i < 25; i += 1) await queueIdle(world, { exclusive: ["A"] });
  const independent = await queueIdle(world, { exclusive: ["B"] });
  await claimTask(ctx, await registerWorker(ctx));
  assert.equal((await claimTask(ctx, await registerWorker(ctx)))?.id, independent);
});
