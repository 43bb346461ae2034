import { rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { applyMeasurement } from "#base/measurement.ts";
import type { Ctx, ProcessIdentity } from "#core/ctx.ts";
import { removeIncomplete } from "#core/tasks/cleanup.ts";
import { taskDirectory } from "#core/tasks/job.ts";
import { announce, recordOutcome, untilAnswered } from "#core/tasks/outcome.ts";
import { claimTask, finishAndClaim, parkTask } from "#core/tasks/queue.ts";
import { reasons } from "#core/tasks/rules.ts";
import { runTask } from "#core/tasks/run.ts";
import type { ShownLocks } from "#core/tasks/shown-locks.ts";
import type { ClaimedTask, Outcome } from "#core/tasks/types.ts";
import { satisfies } from "#core/tasks/version-order.ts";
import { type AbortKind, Run } from "./run.ts";
import { type ChildEntry, TaskChild } from "./task-child.ts";

/** A child without work is given up after this long. */
const CHILD_IDLE_MS = 60_000;
const MEBIBYTE = 1024 * 1024;
/** After an error that no waiting cures, a slot tries again this late. */
const ERROR_PAUSE_MS = 1000;

export interface SlotOptions {
  readonly ctx: Ctx;
  readonly identity: ProcessIdentity;
  readonly childEntry: ChildEntry;
  /** No new tasks any more. */
  readonly stopping: AbortSignal;
  /** The database is not waited for any more. */
  readonly givingUp: AbortSignal;
  /** Another slot may find work too. */
  readonly onBusy: () => void;
  readonly locks: ShownLocks;
}

/** One record among the workers: runs one task at a time. */
export class Slot {
  readonly #options: SlotOptions;
  readonly #ctx: Ctx;
  #child: TaskChild | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #run: Run | undefined;
  #executed = "";
  readonly #retiring = new Set<Promise<void>>();

  constructor(options: SlotOptions) {
    this.#options = options;
    this.#ctx = { ...options.ctx, process: options.identity };
  }

  get id(): string {
    return this.#options.identity.id;
  }

  /** The task under way, from its claim until its end is recorded. */
  get run(): Run | undefined {
    return this.#run;
  }

  get hasChild(): boolean {
    return this.#child !== undefined && !this.#child.hasEnded;
  }

  abort(kind: AbortKind): void {
    this.#run?.abort(kind);
  }

  /** Runs tasks until there is none; true if there was one. */
  async drain(): Promise<boolean> {
    let task = await this.#claim();
    const hasWorked = task !== undefined;
    while (task) {
      this.#options.onBusy();
      task = await this.#process(task);
    }
    return hasWorked;
  }

  async close(): Promise<void> {
    clearTimeout(this.#idleTimer);
    this.#retireChild();
    await Promise.all(this.#retiring);
  }

  async #claim(): Promise<ClaimedTask | undefined> {
    const { stopping } = this.#options;
    if (stopping.aborted) return undefined;
    try {
      const options = { ctx: this.#ctx, what: "Claiming a task", signal: stopping };
      return await untilAnswered(() => claimTask(this.#ctx, this.id), options);
    } catch (error) {
      if (stopping.aborted) return undefined;
      this.#ctx.log.error(`Claiming a task failed: ${error}`);
      await sleep(ERROR_PAUSE_MS);
      return undefined;
    }
  }

  /** Runs one task and records its end; the next one comes with the answer. */
  async #process(task: ClaimedTask): Promise<ClaimedTask | undefined> {
    const run = new Run(task, this.#ctx.settings);
    const { locks, identity } = this.#options;
    locks.show(identity.name, task.id);
    this.#run = run;
    try {
      if (!satisfies(task.versions ?? {}, this.#ctx.process.versions)) {
        await parkTask(this.#ctx, task.seq, this.id);
        return undefined;
      }
      const outcome = run.judge(await this.#execute(run));
      run.isRecording = true;
      if (outcome.state !== "completed") await this.#cleanUp(task);
      return await this.#record(task, outcome);
    } catch (error) {
      // The row stays ours, so the next claim returns it once more, or the reaper ends it.
      this.#ctx.log.error(`Task ${task.id} could not be brought to its end: ${error}`);
      if (!this.#options.stopping.aborted) await sleep(ERROR_PAUSE_MS);
      return undefined;
    } finally {
      run[Symbol.dispose]();
      locks.hide(identity.name);
      this.#run = undefined;
    }
  }

  async #execute(run: Run): Promise<Outcome> {
    const { task } = run;
    if (task.state !== "running") return { state: "canceled" };
    // Its end could not be recorded, so it came back; a task never runs twice.
    if (task.id === this.#executed) return { state: "failed", error: { reason: reasons.missing } };
    this.#executed = task.id;
    const started = performance.now();
    const outcome = task.immediate
      ? await runTask(this.#ctx, task, run.signal)
      : await this.#inChild(run);
    const seconds = (performance.now() - started) / 1000;
    const labels = { name: task.name, state: outcome.state };
    this.#ctx.metrics.observe("deckle_task_duration_seconds", seconds, labels);
    return outcome;
  }

  async #inChild(run: Run): Promise<Outcome> {
    const { settings, log } = this.#ctx;
    clearTimeout(this.#idleTimer);
    const child = this.#usableChild();
    run.hold(child);
    const { id, name } = this.#options.identity;
    const end = await child.run(run.task, { id, name });
    if (end.kind === "died") {
      this.#child = undefined;
      log.warn(`Task process ${child.pid} ended with task ${run.task.id}: ${end.reason}`);
      await rm(taskDirectory(this.#ctx, run.task.id), { recursive: true, force: true });
      return { state: "failed", error: { reason: end.reason } };
    }
    const isSpent =
      end.outcome.state !== "completed" ||
      run.isAborted ||
      child.tasks >= settings.TASK_CHILD_MAX_TASKS ||
      end.rssBytes > settings.TASK_CHILD_RECYCLE_MB * MEBIBYTE;
    if (isSpent) this.#retireChild();
    else this.#idleTimer = setTimeout(() => this.#retireChild(), CHILD_IDLE_MS).unref();
    return end.outcome;
  }

  #usableChild(): TaskChild {
    if (this.#child?.hasEnded) this.#child = undefined;
    this.#child ??= new TaskChild(
      this.#options.childEntry,
      this.#ctx.settings.TASK_CHILD_MEMORY_MB,
      (measurements) => {
        for (const one of measurements) applyMeasurement(this.#ctx.metrics, one);
      },
    );
    return this.#child;
  }

  /** The end of a task does not wait for the end of its process. */
  #retireChild(): void {
    const child = this.#child;
    this.#child = undefined;
    if (!child) return;
    const retiring = child.retire().finally(() => this.#retiring.delete(retiring));
    this.#retiring.add(retiring);
  }

  async #cleanUp(task: ClaimedTask): Promise<void> {
    const options = {
      ctx: this.#ctx,
      what: "Removing what a task left",
      signal: this.#options.givingUp,
    };
    const held = { task: task.id, owner: this.id };
    await untilAnswered(() => removeIncomplete(this.#ctx, held), options).catch((error) =>
      this.#ctx.log.error(`What task ${task.id} left was not removed: ${error}`),
    );
  }

  async #record(task: ClaimedTask, outcome: Outcome): Promise<ClaimedTask | undefined> {
    const held = { seq: task.seq, owner: this.id, signal: this.#options.givingUp };
    const ctx = this.#ctx;
    if (this.#options.stopping.aborted) {
      await recordOutcome(ctx, held, outcome);
      return undefined;
    }
    const options = { ctx, what: "Recording the end of a task", signal: this.#options.givingUp };
    try {
      const { claimed, unblocked } = await untilAnswered(
        () => finishAndClaim(ctx, held, outcome),
        options,
      );
      announce(ctx, unblocked);
      return claimed;
    } catch (error) {
      ctx.log.warn(`Finishing and claiming at once failed: ${error}`);
      await recordOutcome(ctx, held, outcome);
      return undefined;
    }
  }
}
