import { Batcher } from "#base/batcher.ts";
import type { Hot, HotStatement } from "#platform/db/hot.ts";
import { databaseFault } from "../constraints.ts";
import type { Ctx } from "../ctx.ts";
import type { Enqueued, QueueEntry } from "./types.ts";

/**
 * Entries that one call takes: they wait for each other, and their names stay locked meanwhile. The
 * database works on one call while this process makes the next.
 */
const BATCHES = { most: 32, atOnce: 2 };

const statement: HotStatement<Enqueued> = {
  name: "task_dispatch_many",
  text: `select o_seq as seq, o_state as state, o_ready as "isReady" from task_dispatch_many(
    $1::bigint[], $2::boolean[], $3::uuid[], $4::int[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::boolean[], $12::int[], $13::boolean[], $14::boolean[],
    $15::text[], $16::text[], $17::int[], $18::uuid[], $19::uuid[])`,
};

/** One task on its way in. */
export interface Arrival {
  readonly entry: QueueEntry;
  /** Of the process that takes it. */
  readonly release: number;
  /** Puts it into the queue by itself, in a transaction of its own. */
  alone(): Promise<Enqueued>;
}

type Outcome = Enqueued | { readonly error: unknown };

const batchers = new WeakMap<Ctx["hot"], Batcher<Arrival, Outcome>>();

/** Tasks that come while others are under way go in together; on an idle queue nobody waits. */
export async function enqueueTogether(
  { hot }: Pick<Ctx, "hot">,
  arrival: Arrival,
): Promise<Enqueued> {
  const known = batchers.get(hot);
  const batcher = known ?? new Batcher<Arrival, Outcome>((all) => enqueueAll(hot, all), BATCHES);
  if (!known) batchers.set(hot, batcher);
  const outcome = await batcher.add(arrival);
  if ("error" in outcome) throw outcome.error;
  return outcome;
}

async function enqueueAll(hot: Hot, arrivals: readonly Arrival[]): Promise<readonly Outcome[]> {
  if (arrivals.length === 1) return oneByOne(arrivals);
  const entries = arrivals.map(({ entry }) => entry);
  const releases = arrivals.map(({ release }) => release);
  try {
    return await hot.query(statement, [...locksOf(entries), ...columnsOf(entries, releases)]);
  } catch (error) {
    // What one of them brings must not fail the others. A lost connection fails all: nobody knows
    // what became of them.
    if (/^2[23]/.test(databaseFault(error)?.code ?? "")) return oneByOne(arrivals);
    throw error;
  }
}

const oneByOne = (arrivals: readonly Arrival[]): Promise<readonly Outcome[]> =>
  Promise.all(arrivals.map((one) => one.alone().catch((error: unknown) => ({ error }))));

/** Every name once, in order; one that any of the entries wants alone is locked alone. */
function locksOf(entries: readonly QueueEntry[]): readonly [readonly string[], readonly boolean[]] {
  const wanted = new Map<string, boolean>();
  for (const { keys, excl } of entries) {
    for (const [at, key] of keys.entries()) {
      wanted.set(key, wanted.get(key) === true || excl[at] === true);
    }
  }
  const sorted = [...wanted].sort(([a], [b]) => (BigInt(a) < BigInt(b) ? -1 : 1));
  return [sorted.map(([key]) => key), sorted.map(([, isAlone]) => isAlone)];
}

const columnsOf = (
  entries: readonly QueueEntry[],
  releases: readonly number[],
): readonly unknown[] => {
  const column = <Value>(value: (entry: QueueEntry) => Value) => entries.map(value);
  return [
    column(({ id }) => id),
    column(({ domain }) => domain),
    column(({ name }) => name),
    column(({ keys }) => `{${keys.join(",")}}`),
    column(({ excl }) => `{${excl.join(",")}}`),
    column(({ resources }) => textArray(resources)),
    column((entry) => entry.arguments),
    column(({ versions }) => JSON.stringify(versions)),
    column(({ isParked }) => isParked),
    releases,
    column(({ immediate }) => immediate),
    column(({ deferred }) => deferred),
    column(({ correlationId }) => correlationId),
    column(({ profileOptions }) => (profileOptions.length > 0 ? textArray(profileOptions) : null)),
    column(({ user }) => user),
    column(({ parent }) => parent),
    column(({ group }) => group),
  ];
};

/** An array as PostgreSQL writes it, since arrays of arrays cannot differ in length. */
const textArray = (texts: readonly string[]): string =>
  `{${texts.map((text) => `"${text.replaceAll(/["\\]/g, "\\$&")}"`).join(",")}}`;
