import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { sql } from "kysely";
import { dispatch } from "#core/tasks/commands.ts";
import { enqueue } from "#core/tasks/queue.ts";
import type { QueueEntry } from "#core/tasks/types.ts";
import { createContext, type TestContextValue } from "../../support/context.ts";
import { idle } from "./support.ts";

interface QueuedRow {
  readonly seq: number;
  readonly task: string;
  readonly pending: number;
  readonly keys: readonly string[];
  readonly excl: readonly boolean[];
}

const queued = async ({ ctx }: TestContextValue): Promise<readonly QueuedRow[]> =>
  (
    await sql<QueuedRow>`select seq, task, pending, keys::text[] as keys, excl from task_queue
      order by seq`.execute(ctx.db)
  ).rows;

/** What the order of arrival says: a name is waited for if somebody before has or wants it otherwise. */
function expectedPending(rows: readonly QueuedRow[], at: number): number {
  const { keys = [], excl = [] } = rows[at] ?? {};
  return keys.filter((key, n) =>
    rows.slice(0, at).some((other) => {
      const place = other.keys.indexOf(key);
      return place >= 0 && (excl[n] === true || other.excl[place] === true);
    }),
  ).length;
}

test("tasks that arrive together wait for one another as if they came one by one", async (t) => {
  const statements: string[] = [];
  const world = await createContext(t, { tasks: [idle], onStatement: (s) => statements.push(s) });
  const { ctx, caller } = world;
  const names = ["a", "b", "c", "d"];
  const some = (n: number) => names.filter((_, at) => (n >> at) % 2 === 1);
  statements.length = 0;

  const dispatched = await Promise.all(
    Array.from({ length: 100 }, (_, n) => {
      const exclusive = n % 3 === 0 ? some(n % 16) : [];
      const shared = some((n * 7) % 16).filter((name) => !exclusive.includes(name));
      return dispatch(ctx, { task: idle, input: {}, caller, exclusive, shared });
    }),
  );

  const rows = await queued(world);
  assert.equal(rows.length, 100);
  // Domain names are shared by all, so only what was asked for makes anybody wait.
  for (const [at, { pending }] of rows.entries()) {
    assert.equal(pending, expectedPending(rows, at), `task ${at}`);
  }
  for (const { id, isReady } of dispatched) {
    assert.equal(isReady, rows.find(({ task }) => task === id)?.pending === 0);
  }
  const calls = statements.filter((text) => text.includes("from task_dispatch"));
  assert.ok(calls.length < 10, `${calls.length} calls for 100 tasks`);
});

test("tasks of one resource are created in the order in which they run", async (t) => {
  const world = await createContext(t, { tasks: [idle] });
  const { ctx, caller } = world;
  const one = { task: idle, input: {}, caller, exclusive: ["a"] };
  // A call that has to wait for the name, and one that gets it meanwhile.
  const entered = Promise.withResolvers<void>();
  const waited = Promise.withResolvers<void>();
  const first = ctx.db.transaction().execute(async (trx) => {
    await dispatch(ctx, one, trx);
    entered.resolve();
    await waited.promise;
    await dispatch(ctx, one, trx);
  });
  await entered.promise;
  const many = Promise.all(Array.from({ length: 20 }, () => dispatch(ctx, one)));
  while ((await waitingForLocks(world)) === 0) await setImmediate();
  waited.resolve();
  await Promise.all([first, many]);

  const { rows } = await sql<{ created: string }>`
    select to_char(created, 'HH24:MI:SS.US') as created from task order by seq`.execute(ctx.db);

  assert.equal(rows.length, 22);
  for (const [at, { created }] of rows.entries()) {
    assert.ok(at === 0 || created > (rows[at - 1]?.created ?? ""), `task ${at}: ${created}`);
  }
});

const waitingForLocks = async ({ ctx }: TestContextValue): Promise<number> => {
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from pg_locks l join pg_stat_activity a on a.pid = l.pid
    where a.datname = current_database() and l.locktype = 'advisory' and not l.granted`.execute(
    ctx.db,
  );
  return rows[0]?.n ?? 0;
};

const entryOf = ({ caller, domain }: TestContextValue, more: Partial<QueueEntry>): QueueEntry => ({
  id: crypto.randomUUID(),
  domain: domain.num,
  name: idle.name,
  keys: [],
  excl: [],
  resources: [],
  arguments: "sealed",
  versions: {},
  isParked: false,
  immediate: false,
  deferred: true,
  owner: null,
  correlationId: caller.correlationId,
  profileOptions: [],
  user: caller.user?.id ?? null,
  parent: null,
  group: null,
  busyReason: "busy",
  ...more,
});

test("one that cannot be stored fails alone, and odd texts arrive as they are", async (t) => {
  const world = await createContext(t, { tasks: [idle] });
  const odd = ['quo"te', "back\\slash", "com,ma", "{brace}", "", "NULL", "ü"];
  const entries = [
    entryOf(world, {}),
    entryOf(world, { resources: odd, profileOptions: odd }),
    entryOf(world, { resources: ["nul\0"] }),
    entryOf(world, { user: 999_999 }),
    entryOf(world, {}),
  ];

  const outcomes = await Promise.allSettled(entries.map((entry) => enqueue(world.ctx, entry)));

  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ["fulfilled", "fulfilled", "rejected", "rejected", "fulfilled"],
  );
  const stored = await world.ctx.db
    .selectFrom("task")
    .select(["resources", "profile_options"])
    .where("id", "=", entries[1]?.id ?? "")
    .executeTakeFirstOrThrow();
  assert.deepEqual([stored.resources, stored.profile_options], [odd, odd]);
});
