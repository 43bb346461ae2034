import assert from "node:assert/strict";
import { test } from "node:test";
import { prn } from "#base/prn.ts";
import { uuid7 } from "#base/uuid7.ts";
import type { Ctx } from "#core/ctx.ts";
import { cancelTask } from "#core/tasks/commands.ts";
import { claimTask, finishAndClaim, finishTask } from "#core/tasks/queue.ts";
import { endAbandoned } from "#core/tasks/reaper.ts";
import { lockKey } from "#core/tasks/rules.ts";
import type { ClaimedTask } from "#core/tasks/types.ts";
import { createContext, type TestContextValue } from "../../support/context.ts";
import { idle, leftovers, queueIdle, registerWorker } from "./support.ts";

const TASKS = 1500;
const DISPATCHERS = 5;
const WORKERS = 6;
const NAMES = Array.from({ length: 10 }, (_, i) => `resource-${i}`);

/** A small generator of its own, so that a failing run can be repeated by its seed. */
function randomness(seed: number) {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const pick = <T>(values: readonly T[]): T => values[Math.floor(next() * values.length)] as T;
  const some = (most: number): string[] =>
    Array.from({ length: Math.floor(next() * (most + 1)) }, () => pick(NAMES));
  return { next, pick, some };
}

/** What the database says of each run: who had which resources, from when to when. */
interface Span {
  readonly id: string;
  readonly seq: number;
  readonly state: string;
  readonly resources: readonly string[];
  readonly from: string | null;
  readonly to: string;
}

test("random tasks, cancellations and dying owners: no overlap, first come first served", async (t) => {
  const seed = Number(process.env.DECKLE_SEED ?? Date.now() % 1_000_000);
  t.diagnostic(`DECKLE_SEED=${seed}`);
  const world = await createContext(t, { tasks: [idle] });
  const chance = randomness(seed);
  let isDispatching = true;
  const queued: string[] = [];

  const dispatcher = async (share: number): Promise<void> => {
    for (let i = 0; i < share; i += 1) {
      const whole = chance.next() < 0.01 ? [prn("core.domain", world.domain.id)] : [];
      const names = { exclusive: [...chance.some(2), ...whole], shared: chance.some(2) };
      const id = await queueIdle(world, names);
      queued.push(id);
      if (chance.next() < 0.2) void cancelLater(world, chance.pick(queued));
    }
  };
  const cancels: Promise<unknown>[] = [];
  const cancelLater = (w: TestContextValue, id: string): void => {
    cancels.push(cancelTask(w.ctx, id));
  };
  const workers = Array.from({ length: WORKERS }, () =>
    worker(world.ctx, chance, () => isDispatching),
  );
  await Promise.all(Array.from({ length: DISPATCHERS }, () => dispatcher(TASKS / DISPATCHERS)));
  isDispatching = false;
  await Promise.all(workers);
  await Promise.all(cancels);

  const spans = await readSpans(world);
  assert.equal(spans.length, TASKS);
  assert.ok(spans.some(({ state }) => state === "canceled"));
  assert.ok(spans.some(({ state }) => state === "failed"));
  assert.deepEqual(violations(spans), []);
  assert.equal(await leftovers(world), 0);
});

type Chance = ReturnType<typeof randomness>;

/** Works until the queue is empty; now and then it dies with its task and comes back as another. */
async function worker(ctx: Ctx, chance: Chance, isDispatching: () => boolean): Promise<void> {
  let owner = await registerWorker(ctx);
  let task: ClaimedTask | undefined;
  for (;;) {
    task ??= await claimTask(ctx, owner);
    if (!task) {
      if (!isDispatching() && (await isQueueEmpty(ctx))) return;
      await new Promise((resolve) => setTimeout(resolve, 2));
      continue;
    }
    await new Promise((resolve) => setTimeout(resolve, chance.next() * 3));
    const held: { seq: number; owner: string } = { seq: task.seq, owner };
    if (chance.next() < 0.05) {
      await endAbandoned(ctx, { ...held, task: task.id });
      const late = await finishTask(ctx, held, { state: "completed" });
      assert.equal(late.state, undefined, "a dead owner finishes nothing");
      owner = await registerWorker(ctx);
      task = undefined;
    } else if (chance.next() < 0.5) {
      task = (await finishAndClaim(ctx, held, { state: "completed" })).claimed;
    } else {
      await finishTask(ctx, held, { state: "completed" });
      task = undefined;
    }
  }
}

async function isQueueEmpty({ db }: Ctx): Promise<boolean> {
  return (await db.selectFrom("task_queue").select("seq").limit(1).execute()).length === 0;
}

async function readSpans({ ctx }: TestContextValue): Promise<Span[]> {
  const rows = await ctx.db
    .selectFrom("task")
    .select(["id", "seq", "state", "resources", "started_at", "finished_at"])
    .orderBy("seq")
    .execute();
  return rows.map((row) => {
    assert.ok(row.finished_at, `task ${row.id} is ${row.state}`);
    const { id, seq, state, resources } = row;
    return { id, seq, state, resources, from: row.started_at, to: row.finished_at };
  });
}

interface Use {
  readonly span: Span;
  readonly isExclusive: boolean;
}

/** Of two tasks that conflict, the later one starts after the earlier one has left the queue. */
function violations(spans: readonly Span[]): string[] {
  const uses = new Map<string, Use[]>();
  for (const span of spans) {
    for (const name of span.resources) {
      const isExclusive = !name.startsWith("shared:");
      const resource = isExclusive ? name : name.slice("shared:".length);
      uses.set(resource, [...(uses.get(resource) ?? []), { span, isExclusive }]);
    }
  }
  return [...uses.entries()].flatMap(([name, list]) => violationsOf(name, list));
}

/** The latest end so far decides, so the check is linear in the uses of a resource. */
function violationsOf(name: string, uses: readonly Use[]): string[] {
  const found: string[] = [];
  let writersEnd = "";
  let readersEnd = "";
  for (const { span, isExclusive } of uses) {
    const barrier = isExclusive && readersEnd > writersEnd ? readersEnd : writersEnd;
    if (span.from !== null && span.from < barrier) {
      found.push(`${name}: task ${span.seq} began at ${span.from}, before ${barrier}`);
    }
    if (isExclusive && span.to > writersEnd) writersEnd = span.to;
    if (!isExclusive && span.to > readersEnd) readersEnd = span.to;
  }
  return found;
}

test("cancelling readers behind a writer at once does not deadlock", async (t) => {
  const world = await createContext(t, { tasks: [idle] });
  const { ctx } = world;
  const owner = await registerWorker(ctx);
  for (let round = 0; round < 15; round += 1) {
    const names = [`a-${uuid7()}`, `b-${uuid7()}`];
    await queueIdle(world, { exclusive: names });
    const task = await claimTask(ctx, owner);
    const readers = await Promise.all(
      Array.from({ length: 8 }, () => queueIdle(world, { shared: names })),
    );
    await Promise.all([
      ...readers.slice(0, 6).map((id) => cancelTask(ctx, id)),
      finishTask(ctx, { seq: task?.seq ?? 0, owner }, { state: "completed" }),
    ]);
    for (const _ of [6, 7]) {
      const next = await claimTask(ctx, owner);
      await finishTask(ctx, { seq: next?.seq ?? 0, owner }, { state: "completed" });
    }
  }
  assert.equal(await leftovers(world), 0);
});

test("two readers that leave at once wake the writer", async (t) => {
  const world = await createContext(t, { tasks: [idle] });
  const { ctx } = world;
  const owners = [await registerWorker(ctx), await registerWorker(ctx)] as const;
  for (let round = 0; round < 40; round += 1) {
    await queueIdle(world, { shared: ["A"] });
    await queueIdle(world, { shared: ["A"] });
    const writer = await queueIdle(world, { exclusive: ["A"] });
    const readers = [await claimTask(ctx, owners[0]), await claimTask(ctx, owners[1])] as const;
    const ends = readers.map((reader, i) =>
      finishTask(ctx, { seq: reader?.seq ?? 0, owner: owners[i] ?? "" }, { state: "completed" }),
    );
    const woken = (await Promise.all(ends)).reduce((sum, { unblocked }) => sum + unblocked, 0);
    assert.equal(woken, 1);
    const next = await claimTask(ctx, owners[0]);
    assert.equal(next?.id, writer);
    await finishTask(ctx, { seq: next?.seq ?? 0, owner: owners[0] }, { state: "completed" });
  }
});

test("cancel and release of tasks that wait for each other do not deadlock", async (t) => {
  const world = await createContext(t, { tasks: [idle] });
  const { ctx } = world;
  const owner = await registerWorker(ctx);
  const [low = "", high = ""] = ["x", "y"].sort((a, b) =>
    BigInt(lockKey(a)) < BigInt(lockKey(b)) ? -1 : 1,
  );
  for (let round = 0; round < 40; round += 1) {
    await queueIdle(world, { exclusive: [high] });
    const task = await claimTask(ctx, owner);
    const waiter = await queueIdle(world, { exclusive: [low, high] });
    await queueIdle(world, { exclusive: [low] });
    await Promise.all([
      cancelTask(ctx, waiter),
      finishTask(ctx, { seq: task?.seq ?? 0, owner }, { state: "completed" }),
    ]);
    const next = await claimTask(ctx, owner);
    assert.notEqual(next?.id, waiter);
    await finishTask(ctx, { seq: next?.seq ?? 0, owner }, { state: "completed" });
  }
  assert.equal(await leftovers(world), 0);
});
