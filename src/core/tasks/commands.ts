import type { TSchema } from "@sinclair/typebox";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import type { Caller, Ctx, Executor, Trx } from "../ctx.ts";
import type { ProgressSpec } from "../plugin-contract.ts";
import { sealArguments } from "./arguments.ts";
import { showCancel } from "./cancel-keys.ts";
import { giveToDispatcher } from "./dispatcher-role.ts";
import { taskErrors } from "./errors.ts";
import { answerFor, runHere } from "./immediate.ts";
import { announce } from "./outcome.ts";
import { cancelQueued, enqueue } from "./queue.ts";
import { normalizeResources, reasons, resourceRecord, toLocks } from "./rules.ts";
import { checkInput } from "./run.ts";
import { FINAL_STATES } from "./table.ts";
import type { Cancellation, ClaimedTask, Dispatched, DispatchRequest, Enqueued } from "./types.ts";
import { satisfies } from "./version-order.ts";

export { type DoneTask, doneTasks, giveDone, recordTasks } from "./record.ts";
export type { Cancellation, Dispatched, DispatchRequest } from "./types.ts";

/**
 * Accepts a task. An immediate one runs here and now in an API process when nothing is in its way,
 * and is final when this returns; every other one waits for a worker.
 *
 * @param trx the row joins this transaction and workers hear of it at its commit; the task then
 *   always waits for a worker, and its resources stay locked until the commit.
 * @throws `taskErrors.input` for input that the definition does not take.
 */
export async function dispatch<Input extends TSchema>(
  ctx: Ctx,
  request: DispatchRequest<Input>,
  trx?: Trx,
): Promise<Dispatched> {
  const plan = planOf(ctx, request, trx);
  const { caller, group } = request;
  const sealed = sealArguments(ctx, request.input, caller);
  using _answer = plan.runsHere ? answerFor(ctx, plan.id) : undefined;
  const entered = await enqueue(
    ctx,
    {
      id: plan.id,
      domain: caller.domain.num,
      name: request.task.name,
      ...toLocks(plan.resources),
      resources: resourceRecord(plan.resources),
      arguments: sealed,
      versions: plan.versions,
      isParked: plan.isParked,
      immediate: plan.immediate,
      deferred: plan.deferred,
      owner: plan.runsHere ? ctx.process.id : null,
      correlationId: caller.correlationId,
      profileOptions: caller.profileOptions ?? [],
      user: caller.user?.id ?? null,
      parent: caller.parentTask ?? null,
      group: group ?? null,
      busyReason: reasons.busy,
    },
    trx,
  );
  await giveToDispatcher(ctx, trx ?? ctx.db, { caller, id: plan.id });
  ctx.metrics.count("deckle_tasks_dispatched_total", { name: request.task.name });
  if (entered.state === "running")
    await runHere(ctx, claimedOf(request, plan, { entered, sealed }));
  else if (trx) await sql`select pg_notify('pulp_worker_wakeup', 'handle')`.execute(trx);
  else announce(ctx, entered.isReady ? 1 : 0);
  return { id: plan.id, isReady: entered.isReady };
}

function planOf(ctx: Ctx, request: DispatchRequest, trx: Trx | undefined) {
  const { task, caller, deferred = true } = request;
  checkInput(task, request.input);
  const wanted = request.immediate ?? task.immediate ?? false;
  const immediate = wanted && !(deferred && ctx.settings.TASK_PREFER_DEFER);
  if (!immediate && !deferred) throw taskErrors.nowhere(task.name);
  const own = ctx.process.versions[task.label];
  const versions = request.versions ?? (own === undefined ? {} : { [task.label]: own });
  return {
    id: uuid7(),
    resources: normalizeResources(caller.domain.id, request.exclusive, request.shared),
    immediate,
    deferred,
    versions,
    // What it asks for by itself is what this process has.
    isParked: request.versions !== undefined && !satisfies(versions, ctx.process.versions),
    // A content process has clients to serve, and a worker its own slots to keep the books of.
    runsHere: immediate && ctx.process.kind === "api" && trx === undefined,
  };
}

/** What a claim would return, without asking the database for what this process just told it. */
function claimedOf(
  { task, caller, group }: DispatchRequest,
  plan: ReturnType<typeof planOf>,
  { entered, sealed }: { readonly entered: Enqueued; readonly sealed: string },
): ClaimedTask {
  return {
    id: plan.id,
    seq: entered.seq,
    name: task.name,
    state: entered.state,
    immediate: plan.immediate,
    deferred: plan.deferred,
    cid: caller.correlationId,
    arguments: sealed,
    versions: plan.versions,
    profile_options: caller.profileOptions ?? null,
    task_group: group ?? null,
    domain_num: caller.domain.num,
    domain_id: caller.domain.id,
    domain_name: caller.domain.name,
    user_id: caller.user?.id ?? null,
    username: caller.user?.username ?? null,
    is_superuser: caller.user?.isSuperuser ?? null,
    is_active: caller.user?.isActive ?? null,
  };
}

/**
 * Cancels a task in any state: a waiting one ends at once, the worker of a running one is told, a
 * final one stays as it is. Children are not cancelled.
 */
export async function cancelTask(ctx: Ctx, id: string, reason?: string): Promise<Cancellation> {
  const { state, hasChanged, unblocked } = await cancelQueued(ctx, id, reason);
  announce(ctx, unblocked);
  if (state === "canceling") {
    ctx.notifier.notify("pulp_worker_cancel", id);
    showCancel(ctx, id);
  }
  return { state, hasChanged };
}

/** Cancels every member that is not final; those that end meanwhile are left alone. */
export async function cancelGroup(ctx: Ctx, id: string): Promise<void> {
  const group = await ctx.db
    .updateTable("task_group")
    .set({ all_tasks_dispatched: true })
    .where("id", "=", id)
    .returning("id")
    .executeTakeFirst();
  if (!group) throw taskErrors.unknownGroup();
  const members = await ctx.db
    .selectFrom("task")
    .select("id")
    .where("task_group", "=", id)
    .where("state", "in", ["waiting", "running"])
    // The last first: a member that is cancelled then never lets the next one start.
    .orderBy("seq", "desc")
    .execute();
  // Clients read the error of canceled members, so there is one.
  for (const member of members) await cancelTask(ctx, member.id, reasons.group);
}

/** Removes a final task with all that hangs on it. */
export async function deleteTask(
  ctx: Ctx,
  id: string,
): Promise<"deleted" | "incomplete" | "missing"> {
  const { numDeletedRows } = await ctx.db
    .deleteFrom("task")
    .where("id", "=", id)
    .where("state", "in", FINAL_STATES)
    .executeTakeFirst();
  if (numDeletedRows > 0n) {
    await ctx.db.deleteFrom("role_assignment").where("object", "=", id).execute();
    return "deleted";
  }
  const left = await ctx.db.selectFrom("task").select("id").where("id", "=", id).execute();
  return left.length > 0 ? "incomplete" : "missing";
}

export async function createTaskGroup(
  ctx: Ctx,
  group: { readonly domain: Caller["domain"]; readonly description: string },
  trx?: Trx,
): Promise<string> {
  const id = uuid7();
  const values = { id, domain: group.domain.num, description: group.description };
  await executor(ctx, trx).insertInto("task_group").values(values).execute();
  return id;
}

/** Adds to a report that several workers share; what they add is never lost. */
export async function addGroupProgress(
  ctx: Ctx,
  group: string,
  report: ProgressSpec & { readonly done?: number },
): Promise<void> {
  const { code, message, suffix, total = 0, done = 0 } = report;
  await ctx.db
    .insertInto("group_progress")
    .values({ task_group: group, code, message, suffix: suffix ?? null, total, done })
    .onConflict((conflict) =>
      conflict.columns(["task_group", "code"]).doUpdateSet({
        total: sql`group_progress.total + excluded.total`,
        done: sql`group_progress.done + excluded.done`,
      }),
    )
    .execute();
}

const executor = (ctx: Ctx, trx: Trx | undefined): Executor => trx ?? ctx.db;
