import { setTimeout as sleep } from "node:timers/promises";
import type { Ctx, ProcessIdentity } from "#core/ctx.ts";
import { rejudgeParked } from "#core/tasks/parking.ts";
import { type Beat, beat, registerProcesses, ttlSeconds } from "#core/tasks/process-records.ts";
import type { Slot } from "./slot.ts";

/** A failed beat is tried again this soon. */
const RETRY_MS = 1000;
/** Parked tasks are looked at again every so many beats. */
const PARKED_EVERY = 10;

export interface PulseOptions {
  readonly ctx: Ctx;
  readonly identities: readonly ProcessIdentity[];
  readonly slots: readonly Slot[];
  readonly intervalMs: number;
  /** A beat has succeeded. */
  readonly onBeat: () => void;
  /** Work waits that nobody told us of: for anybody, or for a slot that has it already. */
  readonly onReady: (everybody: boolean) => void;
  /** Runs beside the beats, one at a time; what it takes long for must not make us look dead. */
  readonly onChores: (due: Chores) => Promise<void>;
}

export interface Chores {
  readonly isSomeoneMissing: boolean;
  readonly isScheduleDue: boolean;
}

/**
 * The heartbeat of all slots: one statement, which also says what notifications may have lost. When
 * no beat succeeds for the promised time, every task is given up, since others may take it for dead.
 */
export class Pulse {
  readonly #options: PulseOptions;
  readonly #ttlMs: number;
  #lastBeatMs = performance.now();
  #beats = 0;
  #chores: Promise<void> | undefined;

  constructor(options: PulseOptions) {
    this.#options = options;
    this.#ttlMs = ttlSeconds(options.ctx, "worker") * 1000;
  }

  /** Whether the others take this process for alive. */
  get isHeard(): boolean {
    return performance.now() - this.#lastBeatMs < this.#ttlMs;
  }

  async run(ended: AbortSignal): Promise<void> {
    const { intervalMs } = this.#options;
    const fence = setInterval(() => this.#fence(), Math.min(RETRY_MS, intervalMs));
    let pauseMs = intervalMs;
    while (!ended.aborted) {
      await sleep(pauseMs, undefined, { signal: ended }).catch(() => undefined);
      if (ended.aborted) break;
      pauseMs = (await this.#tryBeat()) ? intervalMs : Math.min(RETRY_MS, intervalMs);
    }
    clearInterval(fence);
    await this.#chores;
  }

  #fence(): void {
    if (this.isHeard) return;
    for (const slot of this.#options.slots) slot.abort("lost");
  }

  async #tryBeat(): Promise<boolean> {
    const { ctx, identities } = this.#options;
    const startedMs = performance.now();
    try {
      const answer = await beat(
        ctx,
        identities.map(({ id }) => id),
      );
      this.#lastBeatMs = startedMs;
      await this.#heed(answer, startedMs);
      return true;
    } catch (error) {
      ctx.metrics.count("deckle_heartbeat_failures_total");
      ctx.log.warn(`A heartbeat failed: ${error}`);
      return false;
    }
  }

  async #heed(answer: Beat, startedMs: number): Promise<void> {
    const { ctx, identities, slots, onReady } = this.#options;
    for (const slot of slots) heedSlot(slot, answer, startedMs);
    this.#countChildren();
    this.#options.onBeat();
    const removed = identities.filter(({ id }) => !answer.alive.includes(id));
    if (removed.length > 0) await registerProcesses(ctx, removed);
    this.#beats += 1;
    this.#chores ??= this.#doChores(answer);
    const isForgotten = answer.owned.some(({ owner, task }) =>
      slots.some(({ id, run }) => id === owner && run?.task.id !== task),
    );
    if (answer.is_work_ready || isForgotten) onReady(isForgotten);
  }

  #countChildren(): void {
    const { ctx, slots } = this.#options;
    const children = slots.filter(({ hasChild }) => hasChild);
    const busy = children.filter(({ run }) => run !== undefined).length;
    ctx.metrics.gauge("deckle_task_children", busy, { state: "busy" });
    ctx.metrics.gauge("deckle_task_children", children.length - busy, { state: "idle" });
  }

  async #doChores(answer: Beat): Promise<void> {
    const { ctx, onChores } = this.#options;
    try {
      await onChores({
        isSomeoneMissing: answer.is_someone_missing,
        isScheduleDue: answer.is_schedule_due,
      });
      if (answer.is_work_parked && this.#beats % PARKED_EVERY === 0) await rejudgeParked(ctx);
    } catch (error) {
      ctx.log.error(`Housekeeping of a heartbeat failed: ${error}`);
    } finally {
      this.#chores = undefined;
    }
  }
}

/** A cancellation may not have reached us, and somebody may have ended the task in our place. */
function heedSlot(slot: Slot, { owned }: Beat, startedMs: number): void {
  const { run } = slot;
  if (!run || run.claimedAtMs >= startedMs) return;
  const row = owned.find(({ owner, task }) => owner === slot.id && task === run.task.id);
  if (!row) slot.abort("lost");
  else if (row.state === "canceling") slot.abort("cancel");
}
