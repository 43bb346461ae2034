import { CompiledQuery } from "kysely";
import type { HotStatement } from "#platform/db/hot.ts";
import type { Ctx, Trx } from "../ctx.ts";
import { enqueueTogether } from "./dispatch-batch.ts";
import type { TaskState } from "./table.ts";
import type { Cancellation, ClaimedTask, Enqueued, Outcome, QueueEntry } from "./types.ts";
import { releaseNumber } from "./version-order.ts";

const releases = new WeakMap<Ctx["process"]["versions"], number>();

/** This process's release as the queue compares it. */
export function ownRelease({ process: { versions } }: Ctx): number {
  const known = releases.get(versions) ?? releaseNumber(versions.core ?? "");
  releases.set(versions, known);
  return known;
}

const dispatchStatement: HotStatement<Enqueued> = {
  name: "task_dispatch",
  text: `select o_seq as seq, o_state as state, o_ready as "isReady" from task_dispatch(
    $1, $2, $3, $4::bigint[], $5::boolean[], $6::text[], $7, $8::jsonb, $9, $10, $11, $12, $13,
    $14, $15::text[], $16, $17, $18, $19::jsonb)`,
};

/** Puts a task into the queue; inside a transaction its resources stay locked until the commit. */
export function enqueue(ctx: Ctx, entry: QueueEntry, trx?: Trx): Promise<Enqueued> {
  // What is to start here and now waits for nobody.
  if (trx || entry.owner !== null) return enqueueAlone(ctx, entry, trx);
  const release = ownRelease(ctx);
  return enqueueTogether(ctx, { entry, release, alone: () => enqueueAlone(ctx, entry) });
}

async function enqueueAlone(ctx: Ctx, entry: QueueEntry, trx?: Trx): Promise<Enqueued> {
  const values = [
    entry.id,
    entry.domain,
    entry.name,
    entry.keys,
    entry.excl,
    entry.resources,
    entry.arguments,
    JSON.stringify(entry.versions),
    entry.isParked,
    ownRelease(ctx),
    entry.immediate,
    entry.deferred,
    entry.owner,
    entry.correlationId,
    entry.profileOptions.length > 0 ? entry.profileOptions : null,
    entry.user,
    entry.parent,
    entry.group,
    JSON.stringify({ reason: entry.busyReason }),
  ];
  return only(await query(ctx, dispatchStatement, values, trx));
}

const claimStatement: HotStatement<ClaimedTask> = {
  name: "task_claim",
  text: "select * from task_claim($1, $2)",
};

/** The next task for the owner; the same one again if its answer was lost. */
export async function claimTask(ctx: Ctx, owner: string): Promise<ClaimedTask | undefined> {
  const [task] = await ctx.hot.query(claimStatement, [owner, ownRelease(ctx)]);
  return task;
}

export interface Finished {
  /** Undefined when the owner had lost the task: nothing was changed. */
  readonly state: TaskState | undefined;
  /** Tasks that became ready. */
  readonly unblocked: number;
}

interface FinishRow {
  readonly state: TaskState | null;
  readonly unblocked: number | null;
}

const finishStatement: HotStatement<FinishRow> = {
  name: "task_finish",
  text: `select o_state as state, o_unblocked as unblocked
    from task_finish($1, $2, $3, $4::jsonb, $5::jsonb)`,
};

/** Makes a task final, if the owner still has it. */
export async function finishTask(
  ctx: Ctx,
  held: { readonly seq: number; readonly owner: string },
  outcome: Outcome,
): Promise<Finished> {
  const values = [held.seq, held.owner, ...outcomeValues(outcome)];
  return finished(only(await ctx.hot.query(finishStatement, values)));
}

const finishClaimStatement: HotStatement<FinishRow & ClaimedTask> = {
  name: "task_finish_claim",
  text: `select final_state, unblocked, (claimed).*
    from task_finish_claim($1, $2, $3, $4::jsonb, $5::jsonb, $6)`,
};

/** Both at once: the way of a busy worker. */
export async function finishAndClaim(
  ctx: Ctx,
  held: { readonly seq: number; readonly owner: string },
  outcome: Outcome,
): Promise<Finished & { readonly claimed: ClaimedTask | undefined }> {
  const values = [held.seq, held.owner, ...outcomeValues(outcome), ownRelease(ctx)];
  const rows = await ctx.hot.query<ClaimedRow>(finishClaimStatement, values);
  const { final_state, unblocked, ...claimed } = only(rows);
  const hasClaimed = (claimed as { id: string | null }).id !== null;
  return {
    ...finished({ state: final_state, unblocked }),
    claimed: hasClaimed ? (claimed as ClaimedTask) : undefined,
  };
}

type ClaimedRow = ClaimedTask & {
  readonly final_state: TaskState | null;
  readonly unblocked: number | null;
};

interface CancelRow {
  readonly state: TaskState | null;
  readonly hasChanged: boolean;
  readonly unblocked: number;
}

const cancelStatement: HotStatement<CancelRow> = {
  name: "task_cancel",
  text: `select o_state as state, o_changed as "hasChanged", o_unblocked as unblocked
    from task_cancel($1, $2::jsonb)`,
};

/** Ends a waiting task; asks the owner of a running one to end it. */
export async function cancelQueued(
  ctx: Ctx,
  task: string,
  reason?: string,
): Promise<Cancellation & { readonly unblocked: number }> {
  const values = [task, reason === undefined ? null : JSON.stringify({ reason })];
  const { state, ...rest } = only(await ctx.hot.query(cancelStatement, values));
  return { state: state ?? undefined, ...rest };
}

const parkStatement: HotStatement<{ readonly parked: boolean }> = {
  name: "task_park",
  text: "select task_park($1, $2) as parked",
};

/** Gives a claimed task back until a worker comes that has the versions it needs. */
export async function parkTask(ctx: Ctx, seq: number, owner: string): Promise<boolean> {
  return only(await ctx.hot.query(parkStatement, [seq, owner])).parked;
}

const unparkStatement: HotStatement<{ readonly ready: number }> = {
  name: "task_unpark",
  text: "select task_unpark($1::bigint[], $2) as ready",
};

/** Lets tasks run that this release can run; returns how many became ready. */
export async function unparkTasks(ctx: Ctx, seqs: readonly number[]): Promise<number> {
  return only(await ctx.hot.query(unparkStatement, [seqs, ownRelease(ctx)])).ready;
}

const finished = ({ state, unblocked }: FinishRow): Finished => ({
  state: state ?? undefined,
  unblocked: unblocked ?? 0,
});

const outcomeValues = ({ state, error, result }: Outcome): unknown[] => [
  state,
  error === undefined ? null : JSON.stringify(error),
  result === undefined || result === "null" ? null : result,
];

async function query<Row>(
  ctx: Ctx,
  statement: HotStatement<Row>,
  values: readonly unknown[],
  trx: Trx | undefined,
): Promise<readonly Row[]> {
  if (!trx) return ctx.hot.query(statement, values);
  const { rows } = await trx.executeQuery<Row>(CompiledQuery.raw(statement.text, [...values]));
  return rows;
}

function only<Row>(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined) throw new Error("A queue function returned no row.");
  return row;
}
