import { mkdir, rm } from "node:fs/promises";
import { availableParallelism, hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { uuid7 } from "#base/uuid7.ts";
import { removeExpiredSessions } from "#core/access/commands.ts";
import { sweep } from "#core/artifacts/commands.ts";
import type { Ctx, ProcessIdentity } from "#core/ctx.ts";
import { trimEvents } from "#core/distributions/commands.ts";
import { dispatchDue, syncBuiltinSchedules } from "#core/schedules/commands.ts";
import { cancelTask } from "#core/tasks/commands.ts";
import { processDirectory } from "#core/tasks/job.ts";
import { untilAnswered } from "#core/tasks/outcome.ts";
import { rejudgeParked } from "#core/tasks/parking.ts";
import { beatIntervalMs, registerProcesses, removeProcesses } from "#core/tasks/process-records.ts";
import { reapMissing } from "#core/tasks/reaper.ts";
import { processName } from "#core/tasks/rules.ts";
import { ShownLocks } from "#core/tasks/shown-locks.ts";
import { PlacingSweep } from "./placing-sweep.ts";
import { Pulse } from "./pulse.ts";
import { QueueGauges } from "./queue-gauges.ts";
import { Slot } from "./slot.ts";
import type { ChildEntry } from "./task-child.ts";
import { Wake } from "./wake.ts";

export type { ChildEntry } from "./task-child.ts";

export interface WorkerOptions {
  readonly childEntry: ChildEntry;
  /** Tasks at once; by default what `TASK_SLOTS` says. */
  readonly slots?: number;
  /** Ends when there is nothing left to do. */
  readonly burst?: boolean;
  /** Only executes: no reaping, no schedules. One worker at least must do these. */
  readonly auxiliary?: boolean;
}

/**
 * How a worker stops: `finish` waits for its tasks however long they take (SIGTERM, SIGHUP), `grace`
 * aborts them after `TASK_GRACE_INTERVAL` (SIGINT), `abort` does so at once.
 */
export type StopMode = "finish" | "grace" | "abort";

export interface Worker {
  /** Takes no new tasks; resolves like `done`. A later call may be stricter. */
  stop(mode: StopMode): Promise<void>;
  /** Resolves when every task is recorded, every child gone and every record removed. */
  readonly done: Promise<void>;
  /** Slots that run a task now. */
  readonly busy: number;
  /** It has its records, is heard of, and takes tasks. */
  readonly isAtWork: boolean;
}

/** Runs tasks in slots, each of them an own record, until it is stopped. */
export function startWorker(ctx: Ctx, options: WorkerOptions): Worker {
  const supervisor = new Supervisor(ctx, options);
  const done = supervisor.run();
  return {
    done,
    get busy() {
      return supervisor.busy;
    },
    get isAtWork() {
      return supervisor.isAtWork;
    },
    stop(mode) {
      supervisor.stop(mode);
      return done;
    },
  };
}

class Supervisor {
  readonly #ctx: Ctx;
  readonly #options: WorkerOptions;
  readonly #identities: readonly ProcessIdentity[];
  readonly #slots: readonly Slot[];
  readonly #wake = new Wake();
  readonly #gauges: QueueGauges;
  readonly #locks: ShownLocks;
  readonly #placing: PlacingSweep;
  readonly #stopping = new AbortController();
  readonly #givingUp = new AbortController();
  readonly #ended = new AbortController();
  /** Slots between the start of a claim and the end of what it brought. */
  #active = 0;
  #timers: NodeJS.Timeout[] = [];
  #pulse: Pulse | undefined;

  constructor(ctx: Ctx, options: WorkerOptions) {
    this.#ctx = ctx;
    this.#options = options;
    this.#locks = new ShownLocks(ctx);
    this.#gauges = new QueueGauges(ctx, this.#ended.signal);
    this.#placing = new PlacingSweep(ctx, this.#ended.signal);
    const count = options.slots ?? (ctx.settings.TASK_SLOTS || Math.max(2, availableParallelism()));
    this.#identities = Array.from({ length: count }, (_, i) => slotIdentity(ctx, i + 1));
    this.#slots = this.#identities.map(
      (identity) =>
        new Slot({
          ctx,
          identity,
          childEntry: options.childEntry,
          stopping: this.#stopping.signal,
          givingUp: this.#givingUp.signal,
          onBusy: () => this.#wake.one(),
          locks: this.#locks,
        }),
    );
  }

  get busy(): number {
    return this.#slots.filter(({ run }) => run !== undefined).length;
  }

  get isAtWork(): boolean {
    return this.#pulse?.isHeard === true && !this.#stopping.signal.aborted;
  }

  async run(): Promise<void> {
    const ctx = this.#ctx;
    ctx.log.named("pulpcore.tasking.worker").info(`Starting ${ctx.settings.WORKER_TYPE} worker`);
    await this.#ignoringStop(this.#prepare());
    this.#pulse = this.#startPulse();
    const beating = this.#pulse.run(this.#ended.signal);
    this.#listen();
    await Promise.all(this.#slots.map((slot) => this.#serve(slot)));
    await Promise.all(this.#slots.map((slot) => slot.close()));
    this.#ended.abort();
    for (const timer of this.#timers) clearTimeout(timer);
    await beating;
    await this.#placing.close();
    await this.#leave();
  }

  stop(mode: StopMode): void {
    this.#stopping.abort();
    this.#wake.all();
    if (mode === "finish" || this.#ended.signal.aborted) return;
    const graceMs = mode === "abort" ? 0 : this.#ctx.settings.TASK_GRACE_INTERVAL * 1000;
    this.#timers.push(setTimeout(() => this.#abortAll(), graceMs));
  }

  /** An end that cannot be recorded for a while longer is left to the reaper. */
  #abortAll(): void {
    for (const slot of this.#slots) slot.abort("shutdown");
    const { WORKER_TTL, TASK_KILL_INTERVAL } = this.#ctx.settings;
    const patienceMs = (WORKER_TTL + TASK_KILL_INTERVAL) * 1000;
    this.#timers.push(setTimeout(() => this.#givingUp.abort(), patienceMs));
  }

  async #prepare(): Promise<void> {
    const ctx = this.#ctx;
    for (const identity of this.#identities) {
      const directory = processDirectory({ ...ctx, process: identity });
      await rm(directory, { recursive: true, force: true });
      await mkdir(directory, { recursive: true, mode: 0o700 });
    }
    const start = async () => {
      await registerProcesses(ctx, this.#identities);
      // A restarted container may have the name of the one before it.
      for (const { name } of this.#identities) this.#locks.hide(name);
      if (this.#options.auxiliary) return;
      await syncBuiltinSchedules(ctx);
      await rejudgeParked(ctx);
    };
    await untilAnswered(start, { ctx, what: "Starting", signal: this.#stopping.signal });
  }

  async #ignoringStop(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!this.#stopping.signal.aborted) throw error;
    }
  }

  #startPulse(): Pulse {
    return new Pulse({
      ctx: this.#ctx,
      identities: this.#identities,
      slots: this.#slots,
      intervalMs: beatIntervalMs(this.#ctx, "worker"),
      onBeat: () => {
        this.#locks.renew();
        void this.#heedRedis();
      },
      onReady: (everybody) => (everybody ? this.#wake.all() : this.#wake.one()),
      onChores: async ({ isSomeoneMissing, isScheduleDue }) => {
        if (this.#options.auxiliary) return;
        if (isSomeoneMissing) await reapMissing(this.#ctx);
        if (isScheduleDue && !this.#stopping.signal.aborted) await dispatchDue(this.#ctx);
        await sweep(this.#ctx);
        await trimEvents(this.#ctx.db);
        await removeExpiredSessions(this.#ctx.db);
        await this.#gauges.tick();
        await this.#locks.reconcile();
        this.#placing.tick();
      },
    });
  }

  #listen(): void {
    const { notifier } = this.#ctx;
    notifier.listen("pulp_worker_wakeup", () => this.#wake.one(), this.#ended.signal);
    const cancel = (task: string) => {
      for (const slot of this.#slots) if (slot.run?.task.id === task) slot.abort("cancel");
    };
    notifier.listen("pulp_worker_cancel", cancel, this.#ended.signal);
  }

  /** Tools cancel a task by its key in Redis; from there on it goes the way of all others. */
  async #heedRedis(): Promise<void> {
    try {
      for (const task of await this.#locks.asked()) {
        const isAborted = this.#slots.some(({ run }) => run?.task.id === task && run.isAborted);
        if (!isAborted) await cancelTask(this.#ctx, task);
      }
    } catch (error) {
      this.#ctx.log.warn(`A cancellation in Redis was not heeded: ${error}`);
    }
  }

  async #serve(slot: Slot): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#active += 1;
      const hasWorked = await slot.drain();
      this.#active -= 1;
      if (hasWorked && this.#options.burst) continue;
      if (this.#options.burst && this.#active === 0) this.stop("finish");
      if (this.#stopping.signal.aborted) return;
      await this.#wake.wait();
    }
  }

  /** Records of tasks that could not be ended stay with their tasks: the reaper ends both. */
  async #leave(): Promise<void> {
    const ids = this.#identities.map(({ id }) => id);
    await removeProcesses(this.#ctx, ids).catch((error) =>
      this.#ctx.log.warn(`The records of this worker could not be removed: ${error}`),
    );
    for (const identity of this.#identities) {
      const directory = processDirectory({ ...this.#ctx, process: identity });
      await rm(directory, { recursive: true, force: true });
    }
    await Promise.race([
      Promise.all([this.#ctx.notifier.flush(), this.#locks.settled()]),
      sleep(1000),
    ]);
  }
}

/** The first slot is the process itself. */
function slotIdentity({ process: own, settings }: Ctx, slot: number): ProcessIdentity {
  if (slot === 1) return { ...own, kind: "worker" };
  const host = hostname();
  const parts = { pid: process.pid, hostname: host, fqdn: host };
  const name = processName(settings.WORKER_NAME_TEMPLATE, parts, slot);
  return { ...own, kind: "worker", id: uuid7(), name };
}
