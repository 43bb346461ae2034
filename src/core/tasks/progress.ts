import type { Ctx } from "../ctx.ts";
import type { Progress, ProgressSpec } from "../plugin-contract.ts";
import type { TaskState } from "./table.ts";

/** Least time between two writes of one report. */
const WRITE_EVERY_MS = 2000;

interface ReportRow {
  readonly task: string;
  readonly spec: ProgressSpec;
  readonly position: number;
}

/**
 * One report of a running task. It is written when it begins, at most every 2 s while it counts,
 * and when it ends; `done` never goes down (core-tasks-ops §12).
 */
export class Report implements Progress {
  readonly #ctx: Ctx;
  readonly #row: ReportRow;
  readonly #signal: AbortSignal;
  #done = 0;
  #total: number | null;
  #isOpen = true;
  #timer: NodeJS.Timeout | undefined;
  #writes: Promise<void>;

  constructor(ctx: Ctx, row: ReportRow, signal: AbortSignal) {
    this.#ctx = ctx;
    this.#row = row;
    this.#signal = signal;
    this.#total = row.spec.total ?? null;
    this.#writes = this.#background();
  }

  add(done = 1): void {
    this.#done += Math.max(0, done);
    this.#schedule();
  }

  setTotal(total: number): void {
    this.#total = total;
    this.#schedule();
  }

  /** The same report again, for a task that comes back to it: the count goes on. */
  reopen(spec: ProgressSpec): this {
    this.#isOpen = true;
    if (spec.total !== undefined) this.#total = (this.#total ?? 0) + spec.total;
    this.#schedule();
    return this;
  }

  finish(): Promise<void> {
    return this.#end("completed");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#end(this.#signal.aborted ? "canceled" : "failed");
  }

  async #end(state: TaskState): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#stopTimer();
    await this.#writes;
    const { code } = this.#row.spec;
    if (this.#total !== null && this.#done > this.#total) {
      this.#ctx.log.warn(`Progress report ${code} counted ${this.#done} of ${this.#total}.`);
    }
    await this.#write(state);
  }

  /** Stops pending writes and waits for the one under way: the task is about to become final. */
  async settle(): Promise<void> {
    this.#stopTimer();
    await this.#writes;
    if (this.#isOpen) await this.#write("running");
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(): void {
    if (this.#timer || !this.#isOpen) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#writes = this.#writes.then(() => this.#background());
    }, WRITE_EVERY_MS).unref();
  }

  /** A report that could not be written is written with the next count; the task goes on. */
  #background(): Promise<void> {
    return this.#write("running").catch((error) => {
      this.#ctx.log.warn(`Progress report ${this.#row.spec.code} was not written: ${error}`);
    });
  }

  async #write(state: TaskState): Promise<void> {
    const { task, spec, position } = this.#row;
    const counts = { state, total: this.#total, done: this.#done };
    await this.#ctx.db
      .insertInto("task_progress")
      .values({
        task,
        code: spec.code,
        message: spec.message,
        suffix: spec.suffix ?? null,
        position,
        ...counts,
      })
      .onConflict((conflict) => conflict.columns(["task", "code"]).doUpdateSet(counts))
      .execute();
  }
}
